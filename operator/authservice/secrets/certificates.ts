import { X509Certificate } from 'node:crypto'
import { issueFor } from './issue-certificate.ts'
import type { SecretData } from './secret-data.ts'

const day = 86_400_000

/** How long a certificate lives, and how long before its end it is replaced. Milliseconds. */
export const certificateLifetime = { total: 365 * day, renewBefore: 30 * day, backdate: day / 24 } as const

/** Makes a certificate for one host or several, signed by an authority of its own. */
export type IssueCertificate = (hosts: readonly string[], now: Date) => SecretData

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
 * Keeps the certificate while it is for the hosts and far from its end, else issues one. The operator made it and signs
 * it itself, so nothing is lost by making it anew.
 */
export function decideCertificate(
  existing: SecretData | undefined,
  hosts: readonly string[],
  now: Date,
  issue: IssueCertificate,
): CertificateDecision {
  const why = whyReplace(existing, hosts, now)
  const data = why === undefined && existing !== undefined ? existing : issue(hosts, now)
  const { validFromDate: createdAt, validToDate } = new X509Certificate(data['tls.crt'] ?? '')
  return { data, why, createdAt, renewAt: new Date(validToDate.getTime() - certificateLifetime.renewBefore) }
}

function whyReplace(existing: SecretData | undefined, hosts: readonly string[], now: Date): string | undefined {
  if (existing === undefined) return 'the first certificate'
  if (!existing['tls.key'] || !existing['ca.crt']) return 'its key or its authority is missing'
  try {
    const [problem] = hosts.flatMap((host) => certificateProblem(existing['tls.crt'] ?? '', host, now) ?? [])
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

export const issueCertificate: IssueCertificate = (hosts, now) =>
  issueFor(hosts, {
    notBefore: new Date(now.getTime() - certificateLifetime.backdate),
    notAfter: new Date(now.getTime() + certificateLifetime.total),
  })
