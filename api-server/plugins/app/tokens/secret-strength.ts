/** Shortest secret for HS256: as long as its hash, RFC 7518 section 3.2. */
export const leastSecretBytes = 32

/** A secret made of nothing but these was printed in a guide, a sample or a tool, or is soon guessed. */
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

/** Of the FastAPI tutorial, and of RFC 7515 appendix A.1. */
const printedSecrets = new Set([
  '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7',
  'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
])

/**
 * What is wrong with an HS256 secret, as the rest of a sentence; undefined when nothing is.
 * It finds what is short, printed somewhere or repeated. That a secret is random, it cannot see.
 */
export function weaknessOf(secret: Uint8Array): string | undefined {
  const bytes = Buffer.from(secret)
  if (bytes.length < leastSecretBytes) {
    return `has ${bytes.length} bytes; expected ${leastSecretBytes} at least (RFC 7518 section 3.2)`
  }
  if (isWellKnown(bytes)) return 'is one that everybody knows'
  // 32 random hex digits have fewer than 8 different ones once in 25 million times.
  if (new Set(bytes).size < 8 || repeats(bytes)) return 'repeats itself'
  return undefined
}

function isWellKnown(bytes: Buffer): boolean {
  const text = bytes.toString('latin1')
  if (printedSecrets.has(text) || printedSecrets.has(bytes.toString('base64url'))) return true
  const words = text.toLowerCase().match(/[a-z]+/g) ?? []
  const isMostlyWords = words.join('').length >= bytes.length / 2
  return isMostlyWords && words.every((word) => placeholderWords.has(word))
}

/** Whether it is a shorter secret, again and again. */
function repeats(bytes: Buffer): boolean {
  for (let period = 1; period <= bytes.length / 2; period++) {
    if (bytes.subarray(period).equals(bytes.subarray(0, bytes.length - period))) return true
  }
  return false
}
