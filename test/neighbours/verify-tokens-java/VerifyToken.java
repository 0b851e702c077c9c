/** Prints the subject of the token that is its argument, with the decoder of docs/server/verify-tokens.md. */
public class VerifyToken {
  public static void main(String[] arguments) {
    var decoder = AccessTokens.decoder(System.getenv("ISSUER"), System.getenv("AUDIENCE"));
    System.out.println(decoder.decode(arguments[0]).getSubject());
  }
}
