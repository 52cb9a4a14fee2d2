#include "tests/support/sample_document.h"

#define T(text) span_text(text)

struct pair {
	const char *name, *value;
};

static void
add_table(struct document *document, const struct pair *pairs, size_t count)
{
	struct document_node *table =
	    document_table(document, document_root(document));
	for (size_t i = 0; i < count; i++)
		document_row(
		    document, table, T(pairs[i].name), T(pairs[i].value));
}
#define ADD_TABLE(document, pairs)                                             \
	add_table(document, pairs, sizeof pairs / sizeof *pairs)

static void
add_person(struct document *document)
{
	static const struct pair person[] = {
	    {"Navn", "Máhtte Áilu Ŋávdná Đorđe Šuŋŋá"},
	    {"Fødselsnummer", "01 01 70 12345"}, {"Statsborgerskap", "Norsk"},
	    {"Folkeregistrert adresse", "Sandakerveien 24 C, H0203, 0473 Oslo"},
	    {"Telefonnummer", "+47 999 99 999"},
	    {"Kontonummer", "1234 56 78903"}};
	document_heading(
	    document, document_root(document), 2, T("1. Personopplysninger"));
	ADD_TABLE(document, person);
}

static void
add_wishes(struct document *document)
{
	struct document_node *root = document_root(document);
	document_heading(document, root, 2, T("2. Hva søkes det om?"));
	document_free_text(document, root,
	    T("Jeg søker om hjelp til husleie og strøm for november, og til "
	      "vinterklær til to barn. Jeg har søkt om dagpenger, men har "
	      "ikke fått svar ennå. Oppsparte midler er brukt opp, og "
	      "husleien forfaller den 1. desember."));
	struct document_node *list = document_list(document, root, false);
	document_item(document, list,
	    T("Husleie: 12 500 kroner per måned, forfall den 1. i hver "
	      "måned"));
	document_item(document, list,
	    T("Strøm: 1 834 kroner (faktura fra Fjordkraft, forfall 28. "
	      "november)"));
	document_item(document, list, T("Vinterklær til barn på 4 og 9 år"));
	document_item(document, list,
	    T("Månedskort på buss og bane <script>alert('x')</script> & *ikke "
	      "markup* [lenke](javascript:x)"));
}

static void
add_languages(struct document *document)
{
	static const struct {
		const char *language, *text;
		enum document_direction direction;
	} texts[] = {
	    {"se",
		"Davvisámegiella: Mun ozan ruhtadoarjaga viessoláigui ja "
		"elrávdnjái. Mus leat guokte máná, ja mun in leat ožžon "
		"bálkká golggotmánus. Čálán dán ohcamuša ieš, ja "
		"sihkkarasttán ahte dieđut leat riektát. Áhčči, eadni, ŧ ŋ đ "
		"š ž č.",
		DOCUMENT_AUTO},
	    {"sma",
		"Åarjelsaemien: Manne syökem dåarjoem gåetiehuvrie jïh "
		"elektrisiteetasse. Skoltesamisk: Ǯǯ Ǧǧ Ǥǥ Ǩǩ Ʒʒ ʹ.",
		DOCUMENT_AUTO},
	    {"pl",
		"Polski: Proszę o pomoc w opłaceniu czynszu i prądu. "
		"Straciłem pracę w październiku, a zasiłek jeszcze nie "
		"został przyznany. Zażółć gęślą jaźń.",
		DOCUMENT_AUTO},
	    {"uk",
		"Українська: Прошу допомоги з оплатою оренди та "
		"електроенергії. Я приїхала до Норвегії у березні разом із "
		"двома дітьми, ще не маю роботи. Щиро дякую — ґ, є, ї, і.",
		DOCUMENT_AUTO},
	    {"vi",
		"Tiếng Việt: Tôi xin trợ cấp để trả tiền thuê nhà và tiền "
		"điện. Tôi có hai con nhỏ và chưa nhận được lương tháng "
		"mười. Xin chân thành cảm ơn.",
		DOCUMENT_AUTO},
	    {"ar",
		"أطلب المساعدة في دفع الإيجار والكهرباء لشهر نوفمبر 2026. لدي "
		"طفلان عمرهما 4 و 9 سنوات، ولم أستلم راتبي في أكتوبر. رقم "
		"الملف NAV-12345 مرفق مع هذا الطلب. شكراً جزيلاً لكم.",
		DOCUMENT_RTL},
	    {"so",
		"Soomaali: Waxaan codsanayaa caawimaad kirada guriga iyo "
		"korontada. Waxaan leeyahay laba carruur ah.",
		DOCUMENT_AUTO},
	    {"el",
		"Ελληνικά: Ζητώ βοήθεια για το ενοίκιο και το ηλεκτρικό "
		"ρεύμα του Νοεμβρίου. Ευχαριστώ πολύ.",
		DOCUMENT_AUTO},
	};
	struct document_node *root = document_root(document);
	document_heading(document, root, 2, T("3. Fritekst på søkerens språk"));
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		document_free_text(document,
		    document_section(
			document, root, texts[i].language, texts[i].direction),
		    T(texts[i].text));
}

static void
add_money(struct document *document)
{
	static const struct pair work[] = {
	    {"Arbeidsgiver 1", "Blomsterhandel Grünerløkka AS"},
	    {"Stillingsprosent", "60 %"},
	    {"Nettolønn siste måned", "11 240 kroner"},
	    {"Arbeidsgiver 2", "Renhold & Drift Øst AS"},
	    {"Stillingsprosent", "Tilkalling"},
	    {"Nettolønn siste måned", "3 905 kroner"},
	    {"Arbeidsgiver 3", "Ørland Transport"},
	    {"Stillingsprosent", "Tilkalling"},
	    {"Nettolønn siste måned", "3 905 kroner"}};
	static const struct pair wealth[] = {{"Brukskonto", "213 kroner"},
	    {"Sparekonto", "0 kroner"},
	    {"Aksjer, obligasjoner og fond", "Ingen"},
	    {"Kjøretøy",
		"Toyota Yaris 2006, anslått verdi 12 000 kroner. Bilen "
		"brukes til å kjøre barna til skole og barnehage, siden "
		"kollektivtilbudet er begrenset."}};
	static const struct pair costs[] = {{"Husleie", "12 500 kroner"},
	    {"Strøm", "1 834 kroner"}, {"Kommunale avgifter", "0 kroner"},
	    {"Oppvarming (ved, parafin)", "600 kroner"},
	    {"Barnehage", "2 000 kroner"}, {"SFO", "1 450 kroner"},
	    {"Tannlege for barn", "0 kroner"},
	    {"Lån og avdrag",
		"DNB forbrukslån 1 900 kroner, restgjeld 43 000 kroner"},
	    {"Mobil og internett", "698 kroner"}, {"Reisekort", "853 kroner"},
	    {"Forsikring", "512 kroner"},
	    {"Medisiner (blå resept)", "246 kroner"}};
	struct document_node *root = document_root(document);
	document_heading(document, root, 2, T("4. Inntekt og formue"));
	document_heading(document, root, 3, T("4.1 Arbeid"));
	ADD_TABLE(document, work);
	document_heading(
	    document, root, 3, T("4.2 Bankinnskudd og annen formue"));
	ADD_TABLE(document, wealth);
	document_heading(document, root, 2, T("5. Utgifter"));
	ADD_TABLE(document, costs);
}

static void
add_end(struct document *document)
{
	static const struct pair sent[] = {
	    {"Innsendt", "21. november 2026 kl. 18:33"},
	    {"Signert med", "ID-porten, nivå 4 (høyt)"},
	    {"Versjon", "soknad.json 1.0.6"}};
	struct document_node *root = document_root(document);
	document_heading(document, root, 2, T("6. Begrunnelse"));
	for (int i = 0; i < 3; i++)
		document_free_text(document, root,
		    T("Etter at kontrakten min ble avsluttet i september har "
		      "jeg levd på sparepenger og lån fra familie. Jeg er "
		      "aktiv arbeidssøker og registrert hos NAV. Vi bor fire "
		      "personer i en treroms leilighet, og utgiftene har økt "
		      "kraftig det siste året. Barna trenger vinterklær, og "
		      "det er viktig for meg at de kan delta på skoleturer og "
		      "fritidsaktiviteter på lik linje med andre barn. Jeg "
		      "ber om at søknaden behandles raskt, siden strømmen "
		      "ellers kan bli stengt før jul."));
	document_heading(document, root, 2, T("7. Vedlegg"));
	struct document_node *list = document_list(document, root, true);
	document_item(
	    document, list, T("Husleiekontrakt (husleiekontrakt.pdf, 214 kB)"));
	document_item(
	    document, list, T("Strømfaktura november (faktura.pdf, 88 kB)"));
	document_item(document, list,
	    T("Kontoutskrift for alle konti siste tre måneder "
	      "(kontoutskrift.pdf, 1,2 MB)"));
	document_item(document, list, T("Lønnsslipp (lonn-okt.pdf, 61 kB)"));
	document_heading(document, root, 2, T("8. Bekreftelse"));
	document_free_text(document, root,
	    T("Jeg er kjent med at NAV kan hente inn opplysninger fra andre "
	      "etater for å behandle søknaden, jf. sosialtjenesteloven § 43, "
	      "og at jeg må melde fra om endringer i situasjonen min. "
	      "Opplysningene jeg har gitt er riktige og fullstendige."));
	ADD_TABLE(document, sent);
}

struct document *
sample_document(const struct limits *limits)
{
	const struct document_meta meta = {
	    .title = "Søknad om økonomisk sosialhjelp",
	    .language = "nb-NO",
	    .created_ms = INT64_C(1795286007000),
	    .footer = "Melding 019ab3f2-77aa-7b1e-9c55-2f0c77aa9b1e",
	    .author = "Arbeids- og velferdsetaten"};
	struct document *document = document_new(&meta, limits);
	if (document == NULL)
		return NULL;
	struct document_node *root = document_root(document);
	document_heading(
	    document, root, 1, T("Søknad om økonomisk sosialhjelp"));
	document_free_text(document, root,
	    T("Sendt til NAV Sagene, Oslo kommune. Søknaden er sendt 21. "
	      "november 2026 kl. 18:33. Referanse 2f0c-77aa-9b1e."));
	add_person(document);
	add_wishes(document);
	add_languages(document);
	add_money(document);
	add_end(document);
	return document;
}
