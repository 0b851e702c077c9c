import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { SecretData } from '../model/secret-data.ts'

const day = 86_400_000

/** Lifetime of a certificate, and how long before its expiry it is replaced, in milliseconds. */
export const certificateLifetime = { total: 365 * day, renewBefore: 30 * day, backdate: day / 24 } as const

/** Issues certificates for development, where no public CA signs them. */
export interface CertificateIssuer {
  /** A CA, as `tls.crt` and `tls.key`. */
  authority: (now: Date) => SecretData
  /** A certificate for one or more hosts, signed by the CA. */
  certificate: (hosts: readonly string[], authority: SecretData, now: Date) => SecretData
}

/** Decision about the certificate of the edge. */
export interface CertificateDecision {
  data: SecretData
  /** Why it was issued again; undefined: it is kept. */
  why: string | undefined
  createdAt: Date
  /** When it must be replaced. */
  renewAt: Date
}

/**
 * Keeps the CA as long as it outlives every certificate that it could sign now: clients that trust it continue to trust
 * certificates for another host, or after a renewal.
 */
export function decideAuthority(
  existing: SecretData | undefined,
  now: Date,
  issuer: CertificateIssuer,
): CertificateDecision {
  const why = whyReplaceAuthority(existing, now)
  const data = why === undefined && existing !== undefined ? existing : issuer.authority(now)
  const { validFromDate: createdAt, validToDate } = new X509Certificate(data['tls.crt'] ?? '')
  return { data, why, createdAt, renewAt: new Date(validToDate.getTime() - certificateLifetime.total) }
}

function whyReplaceAuthority(existing: SecretData | undefined, now: Date): string | undefined {
  if (existing === undefined) return 'the first CA'
  try {
    const certificate = new X509Certificate(existing['tls.crt'] ?? '')
    if (!certificate.checkPrivateKey(createPrivateKey(existing['tls.key'] ?? ''))) return 'its key does not match'
    return certificate.validToDate.getTime() - now.getTime() < certificateLifetime.total ? 'it expires soon' : undefined
  } catch {
    return 'it cannot be parsed'
  }
}

/**
 * Keeps the certificate while it is for the hosts and far from its expiry; otherwise issues a new one. The operator
 * issued and signed it, so nothing is lost by replacing it.
 */
export function decideCertificate(
  existing: SecretData | undefined,
  hosts: readonly string[],
  now: Date,
  issue: (hosts: readonly string[], now: Date) => SecretData,
): CertificateDecision {
  const why = whyReplace(existing, hosts, now)
  const data = why === undefined && existing !== undefined ? existing : issue(hosts, now)
  const { validFromDate: createdAt, validToDate } = new X509Certificate(data['tls.crt'] ?? '')
  return { data, why, createdAt, renewAt: new Date(validToDate.getTime() - certificateLifetime.renewBefore) }
}

function whyReplace(existing: SecretData | undefined, hosts: readonly string[], now: Date): string | undefined {
  if (existing === undefined) return 'the first certificate'
  if (!existing['tls.key'] || !existing['ca.crt']) return 'its key or CA is missing'
  try {
    const [problem] = hosts.flatMap((host) => certificateProblem(existing['tls.crt'] ?? '', host, now) ?? [])
    if (problem !== undefined) return problem
    const { validToDate } = new X509Certificate(existing['tls.crt'] ?? '')
    return validToDate.getTime() - now.getTime() < certificateLifetime.renewBefore ? 'it expires soon' : undefined
  } catch {
    return 'it cannot be parsed'
  }
}

/**
 * Why a certificate cannot be used for a host now; undefined: it can.
 * @throws if the PEM cannot be parsed
 */
export function certificateProblem(pem: string, host: string, now: Date): string | undefined {
  const certificate = new X509Certificate(pem)
  if (certificate.validToDate <= now) return `it expired on ${dateOf(certificate.validToDate)}`
  if (certificate.validFromDate > now) return `it is not valid before ${dateOf(certificate.validFromDate)}`
  if (certificate.checkHost(host, { subject: 'never' }) !== undefined) return undefined
  if (certificate.ca) return `the first certificate is that of a CA, but the certificate for ${host} must come first`
  const hosts = certificate.subjectAltName?.replaceAll('DNS:', '') ?? 'no host'
  return `it is for ${hosts}, not for ${host}`
}

function dateOf(instant: Date): string {
  return instant.toISOString().slice(0, 10)
}
