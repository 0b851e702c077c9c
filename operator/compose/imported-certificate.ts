import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { SecretData } from '../authservice/model/secret-data.ts'
import { certificateProblem } from '../authservice/secrets/certificates.ts'
import { SetupError } from './settings.ts'

const blocks = /-----BEGIN ([A-Z ]+)-----[A-Za-z0-9+/=\s]+-----END \1-----/g

/**
 * The certificate of the edge from PEM text: its own certificate first, then the intermediate ones, and the private key
 * before or after them.
 *
 * @throws SetupError when the edge could not serve it for this host
 */
export function parseCertificate(pem: string, host: string, now: Date): SecretData {
  const found = [...pem.matchAll(blocks)].map(([text, label = '']) => ({ label, text }))
  const certificates = found.filter(({ label }) => label === 'CERTIFICATE').map(({ text }) => text)
  const keys = found.filter(({ label }) => label.endsWith('PRIVATE KEY')).map(({ text }) => text)
  const [first] = certificates
  const [key] = keys
  if (first === undefined || key === undefined || keys.length > 1) {
    throw new SetupError(
      `Expected a certificate chain and one private key as PEM on standard input, but found ${certificates.length} certificates and ${keys.length} keys: cat fullchain.pem privkey.pem | docker compose run --rm -T setup import-certificate`,
    )
  }
  const problem = problemOf(first, key, host, now)
  if (problem !== undefined)
    throw new SetupError(`The certificate cannot be used for ${host}: ${problem}. Nothing was changed.`)
  return { 'tls.crt': `${certificates.join('\n')}\n`, 'tls.key': `${key}\n` }
}

function problemOf(certificate: string, key: string, host: string, now: Date): string | undefined {
  try {
    const isPair = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
    return isPair ? certificateProblem(certificate, host, now) : 'the private key belongs to another certificate'
  } catch (error) {
    // Node's message quotes no part of the key.
    return `it or its key cannot be parsed (${error instanceof Error ? error.message : error})`
  }
}
