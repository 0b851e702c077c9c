import { randomBytes } from 'node:crypto'
import type { SecretData } from '../model/secret-data.ts'
import { type CertificateIssuer, certificateLifetime } from './certificates.ts'
import type { SecretSources } from './decision.ts'
import { generateKey, generateOidcKey } from './generate-key.ts'
import { issueAuthority, issueFor } from './issue-certificate.ts'

/** Lifetime of a CA, in milliseconds: longer than that of every certificate that it signs. */
const authorityLifetime = 10 * certificateLifetime.total

/** Issues certificates with keys from the randomness of the system. */
export const systemIssuer: CertificateIssuer = {
  authority: (now) => issueAuthority(validityOf(now, authorityLifetime)),
  certificate: (hosts, authority, now) => issueFor(hosts, validityOf(now, certificateLifetime.total), authority),
}

function validityOf(now: Date, lifetime: number) {
  return {
    notBefore: new Date(now.getTime() - certificateLifetime.backdate),
    notAfter: new Date(now.getTime() + lifetime),
  }
}

/** A certificate with a CA that signs nothing else, for tests and benchmarks. */
export function issueCertificate(hosts: readonly string[], now: Date): SecretData {
  return systemIssuer.certificate(hosts, systemIssuer.authority(now), now)
}

/** The randomness of the system. */
export const systemSources: SecretSources = { random: randomBytes, generateKey, generateOidcKey, issuer: systemIssuer }
