import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { AuthService, SecretStatus } from '../api/schema.ts'
import type { ActionTaken, RequestedActions } from '../model/actions.ts'
import type { Finding } from '../model/finding.ts'
import type { LoadedKeys } from '../model/loaded-keys.ts'
import type { DesiredSecret, SecretData } from '../model/secret-data.ts'
import type { CertificateIssuer } from './certificates.ts'
import type { GenerateOidcKey } from './oidc-keys.ts'
import type { RotationObservation } from './password-rotation.ts'
import type { Random } from './passwords.ts'
import type { GenerateKey } from './signing-keys.ts'

/** Source of new secrets. */
export interface SecretSources {
  random: Random
  generateKey: GenerateKey
  generateOidcKey: GenerateOidcKey
  issuer: CertificateIssuer
}

export interface SecretsInput {
  metadata: Pick<AuthService['metadata'], 'name' | 'namespace'>
  resolved: ResolvedSpec
  /** The existing Secrets of this operator, decoded, by name. */
  existing: ReadonlyMap<string, SecretData>
  /** Requested actions on keys and passwords that have not been taken yet. */
  requested: RequestedActions
  /** Value of `rotate-keys` that led to the current key set. */
  rotatedBy: string | undefined
  /** Value of `rotate-mfa-keys` that led to the current keys of second factors. */
  mfaKeysRotatedBy: string | undefined
  /** Value of `rotate-oidc-keys` that led to the current keys of ID tokens. */
  oidcKeysRotatedBy: string | undefined
  /** The keys that the server pods have loaded; undefined: the pods were not queried. */
  loadedKeys: LoadedKeys | undefined
  /** Content of the file with the clients of the OpenID provider; undefined: unknown, so that it stays as it is. */
  oidcClients: string | undefined
  /** Content of the file with other providers; undefined: it cannot be written, so that it stays as it is. */
  identityProviders: string | undefined
  /** Servers may sign with the operator's own keys, whatever the spec says. */
  keysInUse: boolean
  /** Whether the databases and the pods use the passwords. */
  passwords: Pick<RotationObservation, 'databasesDone' | 'podsDone'>
  now: Date
}

/** The Secrets of the operator after a reconcile. */
export interface SecretsDecision {
  /** All desired ones. Unchanged Secrets are equal byte for byte. */
  secrets: DesiredSecret[]
  findings: Finding[]
  /** Age and state of each secret, for status. */
  statuses: SecretStatus[]
  /** When time alone changes this decision. */
  nextChangeAt: Date | undefined
  /** What is created or changed, and why: one event for each. */
  changes: { name: string; why: string }[]
  /** Actions that are taken once the Secrets are written. */
  actionsTaken: ActionTaken[]
}

/** The contribution of one kind of Secret. */
export type SecretPart = Partial<SecretsDecision>
