/*
 * Open - what a municipal system in Java does with a message: opens CMS with
 * BouncyCastle's classes and lists a zip with java.util.zip's stream reader.
 *
 *   java Open cbc|gcm KEY.pem IN OUT   opens IN; CBC as a stream
 *   java Open zip IN                   NAME SIZE SHA-256, one line an entry
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
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.bouncycastle.cms.CMSAuthEnvelopedData;
import org.bouncycastle.cms.CMSEnvelopedDataParser;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.RecipientInformationStore;
import org.bouncycastle.cms.jcajce.JceKeyTransAuthEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransEnvelopedRecipient;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

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
			    entry.getName() + " " + size + " " + hex);
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
			open(args[0].equals("gcm"), key(args[1]), in, out);
		}
	}
}
