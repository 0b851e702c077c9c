/** Minimum length of an HS256 secret: the length of its hash, RFC 7518 section 3.2. */
export const shortestSecretBytes = 32

/** Block size of SHA-256: HMAC replaces a longer secret by its hash. RFC 2104 section 2. */
export const hmacBlockBytes = 64

/** A secret that consists only of these words appears in a guide, a sample or a tool, or is easy to guess. */
const placeholderWords = new Set(
  (
    'a an and api app at auth authentication be bit bits by byte bytes cat change changeme changethis char character ' +
    'characters chars client code default demo dev development dummy encryption enter env environment example for ' +
    'from generate generated good hard here hmac hs hs256 i in insecure insert is it jwt jwtsecret key keyboard keys ' +
    'least length local localhost long longer make me min minimum must my mysecret mysecretkey need needs new not of ' +
    'only or own passwd password phrase placeholder please private prod production random replace replaceme ' +
    'replacethis safe sample secret secretkey secrets secure server service session set shared should sign signature ' +
    'signing some something sha staging store string strong super supersecret supersecretkey test testing text that ' +
    'the this to token tokens top unsafe use user using value very with your yoursecret yoursecretkey'
  ).split(' '),
)

/** From the FastAPI tutorial, and from RFC 7515 appendix A.1. */
const printedSecrets = new Set([
  '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7',
  'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
])

/**
 * The weakness of an HS256 secret, as the rest of a sentence; undefined if none is found. It detects short, published
 * and repetitive secrets. It cannot detect whether a secret is random.
 */
export function weaknessOf(secret: Uint8Array): string | undefined {
  const bytes = Buffer.from(secret)
  if (bytes.length < shortestSecretBytes) {
    return `has ${bytes.length} bytes; expected at least ${shortestSecretBytes} (RFC 7518 section 3.2)`
  }
  if (isKeyFile(bytes)) return 'is a PEM or JWK file of a public or private key, not a secret'
  if (isWellKnown(bytes)) return 'is a well-known secret'
  // 32 random hex digits have fewer than 8 distinct digits once in 25 million times.
  if (new Set(bytes).size < 8 || repeats(bytes)) return 'is repetitive'
  return undefined
}

/**
 * Whether JWT libraries take it for a key of another kind, and refuse every token. A longer one is hashed before it
 * reaches the library (RFC 2104 section 2), and works.
 */
function isKeyFile(bytes: Buffer): boolean {
  return bytes.length <= hmacBlockBytes && /-----BEGIN [A-Z ]+-----|"kty"/.test(bytes.toString('latin1'))
}

function isWellKnown(bytes: Buffer): boolean {
  const text = bytes.toString('latin1')
  if (printedSecrets.has(text) || printedSecrets.has(bytes.toString('base64url'))) return true
  const words = text.toLowerCase().match(/[a-z]+/g) ?? []
  const isMostlyWords = words.join('').length >= bytes.length / 2
  return isMostlyWords && words.every((word) => placeholderWords.has(word))
}

/** Whether it repeats a shorter secret. */
function repeats(bytes: Buffer): boolean {
  for (let period = 1; period <= bytes.length / 2; period++) {
    if (bytes.subarray(period).equals(bytes.subarray(0, bytes.length - period))) return true
  }
  return false
}
