// @peculiar/x509 registers its parts with tsyringe, which needs this polyfill first.
import 'reflect-metadata'
import { webcrypto, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { SecretData } from './secret-data.ts'

x509.cryptoProvider.set(webcrypto)

const day = 86_400_000

/** How long a certificate lives, and how long before its end it is replaced. Milliseconds. */
export const certificateLifetime = { total: 365 * day, renewBefore: 30 * day, backdate: day / 24 } as const

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Makes a certificate for the host, signed by an authority of its own. */
export type IssueCertificate = (host: string, now: Date) => Promise<SecretData>

/** What is to become of the edge's certificate. */
export interface CertificateDecision {
  data: SecretData
  /** Why it was made anew; undefined: it is kept. */
  why: string | undefined
  createdAt: Date
  /** When it is to be replaced. */
  renewAt: Date
}

/**
 * Keeps the certificate while it is for the host and far from its end, else issues one. The operator made it and signs
 * it itself, so nothing is lost by making it anew.
 */
export async function decideCertificate(
  existing: SecretData | undefined,
  host: string,
  now: Date,
  issue: IssueCertificate,
): Promise<CertificateDecision> {
  const why = whyReplace(existing, host, now)
  const data = why === undefined && existing !== undefined ? existing : await issue(host, now)
  const { validFromDate: createdAt, validToDate } = new X509Certificate(data['tls.crt'] ?? '')
  return { data, why, createdAt, renewAt: new Date(validToDate.getTime() - certificateLifetime.renewBefore) }
}

function whyReplace(existing: SecretData | undefined, host: string, now: Date): string | undefined {
  if (existing === undefined) return 'the first certificate'
  if (!existing['tls.key'] || !existing['ca.crt']) return 'its key or its authority is missing'
  try {
    const problem = certificateProblem(existing['tls.crt'] ?? '', host, now)
    if (problem !== undefined) return problem
    const { validToDate } = new X509Certificate(existing['tls.crt'] ?? '')
    return validToDate.getTime() - now.getTime() < certificateLifetime.renewBefore ? 'it ends soon' : undefined
  } catch {
    return 'it cannot be read'
  }
}

/**
 * Why a certificate will not do for a host now; undefined: it will.
 * @throws when the PEM cannot be read
 */
export function certificateProblem(pem: string, host: string, now: Date): string | undefined {
  const certificate = new X509Certificate(pem)
  if (certificate.validToDate <= now) return `it expired on ${dateOf(certificate.validToDate)}`
  if (certificate.validFromDate > now) return `it is valid from ${dateOf(certificate.validFromDate)} on only`
  if (certificate.checkHost(host, { subject: 'never' }) !== undefined) return undefined
  const hosts = certificate.subjectAltName?.replaceAll('DNS:', '') ?? 'no host'
  return `it is for ${hosts}, not for ${host}`
}

function dateOf(instant: Date): string {
  return instant.toISOString().slice(0, 10)
}

/**
 * Issues a certificate with Web Crypto. The authority signs this one certificate and its key is thrown away: whoever
 * trusts `ca.crt` trusts nothing else by it.
 */
export const issueCertificate: IssueCertificate = async (host, now) => {
  const span = {
    notBefore: new Date(now.getTime() - certificateLifetime.backdate),
    notAfter: new Date(now.getTime() + certificateLifetime.total),
  }
  const authorityKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=AuthService self-signed authority',
    keys: authorityKeys,
    signingAlgorithm: algorithm,
    ...span,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(authorityKeys.publicKey),
    ],
  })

  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    // A common name holds 64 characters at most; the host is in the alternative names, where clients look.
    subject: 'CN=AuthService edge',
    issuer: authority.subject,
    publicKey: keys.publicKey,
    signingKey: authorityKeys.privateKey,
    signingAlgorithm: algorithm,
    ...span,
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }]),
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(authorityKeys.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const privateKey = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    'tls.crt': `${certificate.toString('pem')}\n`,
    'tls.key': `${x509.PemConverter.encode(privateKey, 'PRIVATE KEY')}\n`,
    'ca.crt': `${authority.toString('pem')}\n`,
  }
}
