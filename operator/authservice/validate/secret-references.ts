import { createPrivateKey, X509Certificate } from 'node:crypto'
import { parseKeySet } from '@authservice-operator/contract/key-set.ts'
import { longestPasswordBytes } from '@authservice-operator/contract/limits.ts'
import { isEncrypted } from '@authservice-operator/contract/mongodb-url.ts'
import { clientListPattern } from '@authservice-operator/contract/oauth-clients.ts'
import { mostLogoutCaCharacters } from '@authservice-operator/contract/oidc-client-schema.ts'
import { shortestSecretBytes, weaknessOf } from '@authservice-operator/contract/secret-strength.ts'
import { edgeHosts } from '../api/edge-hosts.ts'
import type { SecretKeyRef } from '../api/fields.ts'
import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { Finding } from '../model/finding.ts'
import type { SecretData } from '../model/secret-data.ts'
import { certificateProblem } from '../secrets/certificates.ts'

/** A key of a Secret that a spec names, and the conditions under which its value is unusable. */
interface Reference extends SecretKeyRef {
  /** Field of the spec that names it. */
  field: string
  condition: Finding['condition']
  judge: (value: string, now: Date, data: SecretData) => Problem | undefined
}

interface Problem {
  reason: Finding['reason']
  /** Continues "Key … of Secret …". Never contains a part of the value. */
  text: string
}

/** The Secrets that a spec names, each once. */
export function referencedSecretNames(resolved: ResolvedSpec): string[] {
  return [...new Set(references(resolved).map(({ name }) => name))]
}

/** Problems of the Secrets that a spec names. */
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
  // The exposure needs no Secret of the server, and the server does not need the certificate of the exposure.
  const blocking = {
    kind: 'blocking',
    condition,
    blocks: condition === 'IngressReady' ? 'exposure' : 'server',
  } as const
  const data = secrets.get(name)
  if (data === undefined) {
    const message = `Secret ${name}, named by ${field}, does not exist: create it with key ${key}, or correct the name.`
    return { ...blocking, reason: 'SecretNotFound', message }
  }
  const value = data[key]
  if (value === undefined || value === '') {
    const instead = Object.keys(data).sort().join(', ') || 'none'
    const message = `Secret ${name}, named by ${field}, has no value under key ${key} (its keys: ${instead}): add it, or correct the key.`
    return { ...blocking, reason: 'SecretKeyNotFound', message }
  }
  const problem = judge(value, now, data)
  return problem && { ...blocking, reason: problem.reason, message: `Key ${key} of Secret ${name} ${problem.text}` }
}

function references(resolved: ResolvedSpec): Reference[] {
  return [
    ...signingKeyReferences(resolved),
    ...redisReferences(resolved),
    ...mongodbReferences(resolved),
    ...mailReferences(resolved),
    ...clientReferences(resolved),
    ...providerReferences(resolved),
    ...receiverReferences(resolved),
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
  const instead = 'generate one with openssl rand -base64 48.'
  if (bytes < shortestSecretBytes) {
    return {
      reason: 'SigningSecretTooShort',
      text: `has ${bytes * 8} bits, but a signing secret needs 256: ${instead}`,
    }
  }
  // A server that starts with such a secret refuses it.
  const weakness = weaknessOf(Buffer.from(secret.trim()))
  return weakness === undefined ? undefined : { reason: 'SigningSecretWeak', text: `${weakness}: ${instead}` }
}

function judgeKeySet(file: string): Problem | undefined {
  const parsed = parseKeySet(file)
  if (parsed.kind === 'valid') return undefined
  return {
    reason: 'KeySetInvalid',
    text: `is not a key set that can sign: ${parsed.problem}. Put a key set file there.`,
  }
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
  const text = 'is not a list of OAuth clients: write one line id:hash for each, with the SHA-256 of its secret in hex.'
  return { reason: 'SecretInvalid', text }
}

function providerReferences({ identityProviders }: ResolvedSpec): Reference[] {
  return identityProviders.map(({ entry, clientSecretRef }) => ({
    ...clientSecretRef,
    field: `spec.identityProviders[${entry.id}].clientSecretRef`,
    condition: 'SecretsReady',
    judge: anything,
  }))
}

function receiverReferences({ oidc }: ResolvedSpec): Reference[] {
  if (oidc?.logoutCaSecretRef === undefined) return []
  const field = 'spec.oidc.backchannelLogout.caSecretRef'
  return [{ ...oidc.logoutCaSecretRef, field, condition: 'SecretsReady', judge: judgeReceiverAuthority }]
}

function judgeReceiverAuthority(pem: string): Problem | undefined {
  const problem = judgeAuthority(pem)
  if (problem !== undefined || pem.length <= mostLogoutCaCharacters) return problem
  const text = `is longer than ${mostLogoutCaCharacters} characters: keep only the CA certificates of the receivers.`
  return { reason: 'CertificateInvalid', text }
}

function adminReferences({ initialAdmin, passwords }: ResolvedSpec): Reference[] {
  if (initialAdmin === undefined) return []
  const field = 'spec.initialAdmin.passwordSecretRef'
  const judge = (password: string) => judgePassword(password, passwords.minLength)
  return [{ ...initialAdmin.passwordSecretRef, field, condition: 'SecretsReady', judge }]
}

/** The lengths that the server accepts; the migration reports other reasons, such as a common password. */
function judgePassword(password: string, minLength: number): Problem | undefined {
  const bytes = Buffer.byteLength(password.trim())
  if (bytes >= minLength && bytes <= longestPasswordBytes) return undefined
  const text = `has ${bytes} bytes, but a password must have ${minLength} to ${longestPasswordBytes}: put another one there.`
  return { reason: 'SecretInvalid', text }
}

function anything(): undefined {}

function judgeMongodbUrl(url: string, mustBeEncrypted: boolean): Problem | undefined {
  if (!/^mongodb(\+srv)?:\/\/[^/]/.test(url)) {
    return { reason: 'SecretInvalid', text: 'is not a MongoDB URL: write mongodb://… or mongodb+srv://…' }
  }
  if (!mustBeEncrypted || isEncrypted(url)) return undefined
  const text = 'is the URL of an unencrypted connection, which production refuses: add tls=true to it.'
  return { reason: 'SecretInvalid', text }
}

function judgeAuthority(pem: string): Problem | undefined {
  if (readable(() => new X509Certificate(pem))) return undefined
  return { reason: 'CertificateInvalid', text: 'contains no certificate: put the CA certificates there, in PEM.' }
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
    return { reason, text: 'contains no certificate: put the certificate for the host there, in PEM.' }
  }
  const [problem] = hosts.flatMap((host) => certificateProblem(pem, host, now) ?? [])
  return problem === undefined
    ? undefined
    : { reason, text: `cannot be used: ${problem}. Put a new certificate there.` }
}

function judgePrivateKey(pem: string, certificate: string): Problem | undefined {
  const reason = 'CertificateInvalid'
  const key = readable(() => createPrivateKey(pem))
  if (key === undefined)
    return { reason, text: 'contains no private key: put the key of the certificate there, in PEM.' }
  const owner = readable(() => new X509Certificate(certificate))
  if (owner === undefined || owner.checkPrivateKey(key)) return undefined
  return { reason, text: 'does not match the certificate in tls.crt: put the key of the certificate there.' }
}

/** The result; undefined if it cannot be read. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
