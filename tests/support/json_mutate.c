#include "tests/support/json_mutate.h"

static uint64_t seed;

size_t
json_mutate_pick(size_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (size_t)(seed >> 33) % below;
}

void
json_mutate_seed(uint64_t value)
{
	seed = value;
}

static const char *const words[] = {"kilde", "verdi", "type", "bruker",
    "system", "utdatert", "gift", "ugift", "gateadresse", "postboks",
    "matrikkeladresse", "ustrukturert", "heltid", "2026-01-01",
    "2026-01-01T10:00:00.000Z", "12345678901", "+47123", "987654321", "", "x",
    "status", "ektefelle", "navn", "barn", "borSammenMed", "forhold", "belop",
    "kommentarTilArbeidsforhold", "folkeregistrertMedEktefelle", "adresse",
    "folkeregistrertMedEktefelleAvviksforklaring", "INNVILGET", "Husstand"};

static json_t *
anything(void)
{
	switch (json_mutate_pick(9)) {
	case 0:
		return json_integer((json_int_t)json_mutate_pick(100) - 50);
	case 1:
		return json_real((double)json_mutate_pick(100) / 4);
	case 2:
		return json_true();
	case 3:
		return json_null();
	case 4:
		return json_array();
	case 5:
		return json_object();
	case 6:
		return json_pack("[s]", words[json_mutate_pick(33)]);
	default:
		return json_string(words[json_mutate_pick(33)]);
	}
}

/* Change one thing in the object or array, somewhere below it. */
static void
change(json_t *value, unsigned depth)
{
	size_t count = json_is_object(value) ? json_object_size(value)
					     : json_array_size(value);
	size_t place = count ? json_mutate_pick(count) : 0;
	const char *name = NULL;
	json_t *below = NULL;
	void *iter;

	if (json_is_object(value)) {
		iter = json_object_iter(value);
		for (size_t i = 0; iter && i < place; i++)
			iter = json_object_iter_next(value, iter);
		name = iter ? json_object_iter_key(iter)
			    : words[json_mutate_pick(33)];
		below = json_object_get(value, name);
	} else {
		below = json_array_get(value, place);
	}
	if (below && (json_is_object(below) || json_is_array(below)) &&
	    depth > 0 && json_mutate_pick(8) > 0) {
		change(below, depth - 1);
		return;
	}
	if (name == NULL) {
		if (below && json_mutate_pick(2))
			json_array_set_new(value, place, anything());
		else
			json_array_append_new(value, anything());
		return;
	}
	if (json_mutate_pick(3) == 0)
		json_object_del(value, name);
	else if (json_mutate_pick(3) == 0)
		json_object_set_new(
		    value, words[json_mutate_pick(33)], anything());
	else
		json_object_set_new(value, name, anything());
}

void
json_mutate(json_t *value)
{
	change(value, 9);
}
