import { createPrivateKey, X509Certificate } from 'node:crypto'
import { clientListPattern } from '@authservice-operator/api-server/plugins/app/oauth-clients/oauth-client.ts'
import type { SecretKeyRef } from './api/fields.ts'
import type { ResolvedSpec } from './api/resolved-spec.ts'
import type { Finding } from './finding.ts'
import { edgeHosts } from './resources/certificate.ts'
import { certificateProblem } from './secrets/certificates.ts'
import { parseKeySet, shortestSecretBytes } from './secrets/key-set-file.ts'
import type { SecretData } from './secrets/secret-data.ts'

/** bcrypt reads no more. */
const mostPasswordBytes = 72

/** A key of a Secret that a spec names, and what makes its value unusable. */
interface Reference extends SecretKeyRef {
  /** Field of the spec that names it. */
  field: string
  condition: Finding['condition']
  judge: (value: string, now: Date, data: SecretData) => Problem | undefined
}

interface Problem {
  reason: Finding['reason']
  /** Continues "Key … of Secret …". Never holds a part of the value. */
  text: string
}

/** The Secrets that a spec names, each once. */
export function referencedSecretNames(resolved: ResolvedSpec): string[] {
  return [...new Set(references(resolved).map(({ name }) => name))]
}

/** What is wrong with the Secrets that a spec names. */
export function findSecretProblems(
  resolved: ResolvedSpec,
  secrets: ReadonlyMap<string, SecretData>,
  now: Date,
): Finding[] {
  return references(resolved).flatMap((reference) => findProblem(reference, secrets, now) ?? [])
}

function findProblem(
  { name, key, field, condition, judge }: Reference,
  secrets: ReadonlyMap<string, SecretData>,
  now: Date,
): Finding | undefined {
  const stall = { kind: 'stall', condition } as const
  const data = secrets.get(name)
  if (data === undefined) {
    const message = `Secret ${name}, named by ${field}, does not exist: create it with key ${key}, or correct the name.`
    return { ...stall, reason: 'SecretNotFound', message }
  }
  const value = data[key]
  if (value === undefined || value === '') {
    const instead = Object.keys(data).sort().join(', ') || 'none'
    const message = `Secret ${name}, named by ${field}, has no value under key ${key} (its keys: ${instead}): add it, or correct the key.`
    return { ...stall, reason: 'SecretKeyNotFound', message }
  }
  const problem = judge(value, now, data)
  return problem && { ...stall, reason: problem.reason, message: `Key ${key} of Secret ${name} ${problem.text}` }
}

function references(resolved: ResolvedSpec): Reference[] {
  return [
    ...signingKeyReferences(resolved),
    ...redisReferences(resolved),
    ...mongodbReferences(resolved),
    ...mailReferences(resolved),
    ...clientReferences(resolved),
    ...adminReferences(resolved),
    ...certificateReferences(resolved),
  ]
}

function signingKeyReferences({ tokens }: ResolvedSpec): Reference[] {
  if (tokens.signingKeys.kind !== 'provided') return []
  const judge = tokens.algorithm === 'HS256' ? judgeSigningSecret : judgeKeySet
  return [
    { ...tokens.signingKeys.secretRef, field: 'spec.tokens.signingKeys.secretRef', condition: 'SecretsReady', judge },
  ]
}

function judgeSigningSecret(secret: string): Problem | undefined {
  const bytes = Buffer.byteLength(secret.trim())
  if (bytes >= shortestSecretBytes) return undefined
  const text = `has ${bytes * 8} bits, and a signing secret needs 256: make one with openssl rand -base64 48.`
  return { reason: 'SigningSecretTooShort', text }
}

function judgeKeySet(file: string): Problem | undefined {
  const parsed = parseKeySet(file)
  if (parsed.kind === 'valid') return undefined
  return { reason: 'KeySetInvalid', text: `is no key set that can sign: ${parsed.problem}. Put a key set file there.` }
}

function redisReferences({ redis }: ResolvedSpec): Reference[] {
  if (redis.kind !== 'external') return []
  const condition = 'RedisReady'
  const { passwordSecretRef: password, tls } = redis
  const field = 'spec.redis.external'
  return [
    ...(password ? [{ ...password, field: `${field}.passwordSecretRef`, condition, judge: anything } as const] : []),
    ...(tls.caSecretRef
      ? [{ ...tls.caSecretRef, field: `${field}.tls.caSecretRef`, condition, judge: judgeAuthority } as const]
      : []),
  ]
}

function mongodbReferences({ mongodb: { source }, environment }: ResolvedSpec): Reference[] {
  if (source.kind !== 'external') return []
  const condition = 'MongoDBReady'
  const field = 'spec.mongodb.external'
  const judge = (url: string) => judgeMongodbUrl(url, environment === 'production')
  return [
    { ...source.urlSecretRef, field: `${field}.urlSecretRef`, condition, judge },
    ...(source.caSecretRef
      ? [{ ...source.caSecretRef, field: `${field}.caSecretRef`, condition, judge: judgeAuthority } as const]
      : []),
  ]
}

function mailReferences({ mail }: ResolvedSpec): Reference[] {
  if (mail === undefined) return []
  const { userSecretRef: user, passwordSecretRef: password, caSecretRef: ca } = mail.smtp
  const from = { condition: 'SecretsReady', judge: anything } as const
  const field = 'spec.mail.smtp'
  return [
    ...[user, password].flatMap((ref) => (ref ? [{ ...from, ...ref, field: `${field}.credentialsSecretRef` }] : [])),
    ...(ca ? [{ ...from, ...ca, field: `${field}.caSecretRef`, judge: judgeAuthority }] : []),
  ]
}

function clientReferences({ oauthClientsSecretRef: ref }: ResolvedSpec): Reference[] {
  if (ref === undefined) return []
  return [{ ...ref, field: 'spec.oauth.clientsSecretRef', condition: 'SecretsReady', judge: judgeClients }]
}

function judgeClients(list: string): Problem | undefined {
  if (new RegExp(clientListPattern).test(list.trim())) return undefined
  const text = 'is no list of OAuth clients: write id:hash for each, one a line, with the SHA-256 of its secret in hex.'
  return { reason: 'SecretInvalid', text }
}

function adminReferences({ initialAdmin, passwords }: ResolvedSpec): Reference[] {
  if (initialAdmin === undefined) return []
  const field = 'spec.initialAdmin.passwordSecretRef'
  const judge = (password: string) => judgePassword(password, passwords.minLength)
  return [{ ...initialAdmin.passwordSecretRef, field, condition: 'SecretsReady', judge }]
}

/** The lengths that the server takes; what else it refuses, such as a common one, the migration says. */
function judgePassword(password: string, minLength: number): Problem | undefined {
  const bytes = Buffer.byteLength(password.trim())
  if (bytes >= minLength && bytes <= mostPasswordBytes) return undefined
  const text = `has ${bytes} bytes, and a password has ${minLength} to ${mostPasswordBytes}: put another one there.`
  return { reason: 'SecretInvalid', text }
}

function anything(): undefined {}

function judgeMongodbUrl(url: string, mustBeEncrypted: boolean): Problem | undefined {
  if (!/^mongodb(\+srv)?:\/\/[^/]/.test(url)) {
    return { reason: 'SecretInvalid', text: 'is no MongoDB URL: write mongodb://… or mongodb+srv://…' }
  }
  if (!mustBeEncrypted || isEncrypted(url)) return undefined
  const text = 'is the URL of an unencrypted connection, which production refuses: add tls=true to it.'
  return { reason: 'SecretInvalid', text }
}

/** `mongodb+srv` is encrypted unless it says otherwise. */
function isEncrypted(url: string): boolean {
  return /[?&](tls|ssl)=true\b/.test(url) || (url.startsWith('mongodb+srv://') && !/[?&](tls|ssl)=false\b/.test(url))
}

function judgeAuthority(pem: string): Problem | undefined {
  const problem = readable(() => new X509Certificate(pem))
  if (problem) return undefined
  return { reason: 'CertificateInvalid', text: 'holds no certificate: put the authority there, in PEM.' }
}

function certificateReferences(resolved: ResolvedSpec): Reference[] {
  const { ingress } = resolved
  if (ingress.type !== 'Nginx' || ingress.tls.kind !== 'provided') return []
  const from = {
    name: ingress.tls.secretName,
    field: 'spec.ingress.tls.secretName',
    condition: 'IngressReady',
  } as const
  return [
    { ...from, key: 'tls.crt', judge: (pem, now) => judgeCertificate(pem, edgeHosts(resolved), now) },
    { ...from, key: 'tls.key', judge: (pem, _, data) => judgePrivateKey(pem, data['tls.crt'] ?? '') },
  ]
}

function judgeCertificate(pem: string, hosts: readonly string[], now: Date): Problem | undefined {
  const reason = 'CertificateInvalid'
  if (!readable(() => new X509Certificate(pem))) {
    return { reason, text: 'holds no certificate: put the certificate of the host there, in PEM.' }
  }
  const [problem] = hosts.flatMap((host) => certificateProblem(pem, host, now) ?? [])
  return problem === undefined ? undefined : { reason, text: `will not do: ${problem}. Put a new one there.` }
}

function judgePrivateKey(pem: string, certificate: string): Problem | undefined {
  const reason = 'CertificateInvalid'
  const key = readable(() => createPrivateKey(pem))
  if (key === undefined) return { reason, text: 'holds no private key: put the one of the certificate there, in PEM.' }
  const owner = readable(() => new X509Certificate(certificate))
  if (owner === undefined || owner.checkPrivateKey(key)) return undefined
  return { reason, text: 'does not belong to the certificate in tls.crt: put the key there that it was made with.' }
}

/** What was read; undefined when it cannot be. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
