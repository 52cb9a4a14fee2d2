/*
 * Asice - what a municipal system in Java does with a container: reads the zip
 * as a stream, verifies the CAdES signature with BouncyCastle's classes, and
 * holds every file against the signed list.
 *
 *   java Asice AUTHORITY.pem IN   NAME of each file that is covered
 */
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

public final class Asice {
	private static final String ASIC = "http://uri.etsi.org/02918/v1.2.1#";
	private static final String DS = "http://www.w3.org/2000/09/xmldsig#";
	private static final BouncyCastleProvider provider =
	    new BouncyCastleProvider();

	private static void need(boolean good, String what) {
		if (!good)
			throw new IllegalStateException(what);
	}

	private static Map<String, byte[]> read(String path) throws Exception {
		Map<String, byte[]> files = new LinkedHashMap<>();
		try (ZipInputStream zip =
		         new ZipInputStream(new FileInputStream(path))) {
			for (ZipEntry e; (e = zip.getNextEntry()) != null;)
				files.put(e.getName(), zip.readAllBytes());
		}
		return files;
	}

	private static Document parse(byte[] xml) throws Exception {
		DocumentBuilderFactory factory =
		    DocumentBuilderFactory.newInstance();
		factory.setNamespaceAware(true);
		factory.setFeature(
		    "http://apache.org/xml/features/disallow-doctype-decl",
		    true);
		return factory.newDocumentBuilder().parse(
		    new ByteArrayInputStream(xml));
	}

	private static void verify(X509Certificate authority, byte[] manifest,
	    byte[] signature) throws Exception {
		CMSSignedData cms = new CMSSignedData(
		    new CMSProcessableByteArray(manifest), signature);
		need(cms.getSignerInfos().size() == 1, "one signer");
		SignerInformation signer =
		    cms.getSignerInfos().getSigners().iterator().next();
		X509CertificateHolder holder =
		    (X509CertificateHolder)cms.getCertificates()
		        .getMatches(signer.getSID())
		        .iterator()
		        .next();
		X509Certificate certificate =
		    new JcaX509CertificateConverter().getCertificate(holder);
		certificate.verify(authority.getPublicKey());
		need(signer.verify(new JcaSimpleSignerInfoVerifierBuilder()
		                       .setProvider(provider)
		                       .build(certificate)),
		    "the signature");
		need(signer.getSignedAttributes().get(
		         PKCSObjectIdentifiers.id_aa_signingCertificateV2) !=
		        null,
		    "signing-certificate-v2");
	}

	public static void main(String[] args) throws Exception {
		X509Certificate authority;
		try (InputStream in = new FileInputStream(args[0])) {
			authority = (X509Certificate)CertificateFactory
			                .getInstance("X.509")
			                .generateCertificate(in);
		}
		Map<String, byte[]> files = read(args[1]);
		need(files.keySet().iterator().next().equals("mimetype"),
		    "mimetype comes first");
		byte[] manifest = files.get("META-INF/asicmanifest.xml");
		Document list = parse(manifest);
		Element reference = (Element)list
		                        .getElementsByTagNameNS(
		                            ASIC, "SigReference")
		                        .item(0);
		verify(authority, manifest,
		    files.get(reference.getAttribute("URI")));
		NodeList objects =
		    list.getElementsByTagNameNS(ASIC, "DataObjectReference");
		for (int i = 0; i < objects.getLength(); i++) {
			Element object = (Element)objects.item(i);
			String name = object.getAttribute("URI");
			String digest =
			    object.getElementsByTagNameNS(DS, "DigestValue")
			        .item(0)
			        .getTextContent();
			need(MessageDigest.isEqual(
			         MessageDigest.getInstance("SHA-256").digest(
			             files.get(name)),
			         Base64.getDecoder().decode(digest)),
			    name);
			System.out.println(name);
		}
		need(objects.getLength() + 3 == files.size(),
		    "every file is covered");
	}
}
