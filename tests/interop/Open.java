/*
 * Open - what a municipal system in Java does with a message: opens CMS with
 * BouncyCastle's classes and lists a zip with java.util.zip's stream reader.
 *
 *   java Open cbc|gcm KEY.pem IN OUT   opens IN; CBC as a stream
 *   java Open zip IN                   SIZE SHA-256 NAME, one line an entry
 *   java Open seal CERTIFICATE IN OUT  seals as KS's Java library does
 */
import java.io.BufferedInputStream;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cms.CMSAlgorithm;
import org.bouncycastle.cms.CMSAuthEnvelopedData;
import org.bouncycastle.cms.CMSEnvelopedDataParser;
import org.bouncycastle.cms.CMSEnvelopedDataStreamGenerator;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.RecipientInformationStore;
import org.bouncycastle.cms.jcajce.JceCMSContentEncryptorBuilder;
import org.bouncycastle.cms.jcajce.JceKeyTransAuthEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientInfoGenerator;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaAlgorithmParametersConverter;

public final class Open {
	private static PrivateKey key(String path) throws Exception {
		String pem = new String(Files.readAllBytes(Paths.get(path)),
		    StandardCharsets.US_ASCII);
		byte[] der = Base64.getMimeDecoder().decode(
		    pem.replaceAll("-----[A-Z ]+-----", ""));
		return KeyFactory.getInstance("RSA").generatePrivate(
		    new PKCS8EncodedKeySpec(der));
	}

	/* Existing readers take the first recipient, whoever it is. */
	private static RecipientInformation first(RecipientInformationStore all)
	    throws IOException {
		Collection<RecipientInformation> list = all.getRecipients();
		if (list.size() != 1)
			throw new IOException(list.size() + " recipients");
		return list.iterator().next();
	}

	private static void copy(InputStream in, OutputStream out)
	    throws IOException {
		byte[] piece = new byte[8192];
		for (int n; (n = in.read(piece)) >= 0;)
			out.write(piece, 0, n);
	}

	private static void open(boolean gcm, PrivateKey key, InputStream in,
	    OutputStream out) throws Exception {
		BouncyCastleProvider provider = new BouncyCastleProvider();
		if (gcm) {
			RecipientInformation us = first(
			    new CMSAuthEnvelopedData(in).getRecipientInfos());
			out.write(us.getContent(
			    new JceKeyTransAuthEnvelopedRecipient(key)
			        .setProvider(provider)));
			return;
		}
		CMSEnvelopedDataParser parser = new CMSEnvelopedDataParser(in);
		copy(first(parser.getRecipientInfos())
		         .getContentStream(new JceKeyTransEnvelopedRecipient(key)
		                               .setProvider(provider))
		         .getContentStream(),
		    out);
		parser.close();
	}

	private static void list(InputStream in) throws Exception {
		ZipInputStream zip = new ZipInputStream(in);
		byte[] piece = new byte[8192];
		for (ZipEntry entry; (entry = zip.getNextEntry()) != null;) {
			MessageDigest digest =
			    MessageDigest.getInstance("SHA-256");
			long size = 0;
			for (int n; (n = zip.read(piece)) >= 0; size += n)
				digest.update(piece, 0, n);
			StringBuilder hex = new StringBuilder();
			for (byte b : digest.digest())
				hex.append(String.format("%02x", b));
			System.out.println(
			    size + " " + hex + " " + entry.getName());
		}
	}

	/* As the library of KS does: the streaming generator, OAEP with SHA-256,
	 * AES-256-CBC; BER with octet strings of 1000 bytes. */
	private static void seal(X509Certificate certificate, InputStream in,
	    OutputStream out) throws Exception {
		AlgorithmIdentifier oaep =
		    new JcaAlgorithmParametersConverter()
		        .getAlgorithmIdentifier(
		            PKCSObjectIdentifiers.id_RSAES_OAEP,
		            new OAEPParameterSpec("SHA-256", "MGF1",
		                new MGF1ParameterSpec("SHA-256"),
		                PSource.PSpecified.DEFAULT));
		BouncyCastleProvider provider = new BouncyCastleProvider();
		CMSEnvelopedDataStreamGenerator generator =
		    new CMSEnvelopedDataStreamGenerator();
		generator.addRecipientInfoGenerator(
		    new JceKeyTransRecipientInfoGenerator(certificate, oaep)
		        .setProvider(provider));
		try (OutputStream sealed = generator.open(out,
		         new JceCMSContentEncryptorBuilder(
		             CMSAlgorithm.AES256_CBC)
		             .setProvider(provider)
		             .build())) {
			copy(in, sealed);
		}
	}

	public static void main(String[] args) throws Exception {
		if (args.length == 2 && args[0].equals("zip")) {
			try (InputStream in = new BufferedInputStream(
			         new FileInputStream(args[1]))) {
				list(in);
			}
			return;
		}
		if (args.length != 4)
			throw new IllegalArgumentException("see Open.java");
		try (InputStream in = new BufferedInputStream(
		         new FileInputStream(args[2]));
		     OutputStream out = new FileOutputStream(args[3])) {
			if (args[0].equals("seal")) {
				seal((X509Certificate)CertificateFactory
				         .getInstance("X.509")
				         .generateCertificate(
				             new FileInputStream(args[1])),
				    in, out);
				return;
			}
			open(args[0].equals("gcm"), key(args[1]), in, out);
		}
	}
}
