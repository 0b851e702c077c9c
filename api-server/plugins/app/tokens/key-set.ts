import type { JWK } from 'jose'

/** Algorithms that access tokens are signed with. RFC 7518 section 3.1, RFC 8037. */
export type SigningAlgorithm = 'HS256' | 'ES256' | 'EdDSA'

/** One signing key, as `keys.json` holds it. Times are ISO 8601 in UTC. */
export interface KeySetEntry {
  /** RFC 7638 thumbprint for a key pair, random for HS256. */
  kid: string
  alg: SigningAlgorithm
  /** The private half (RFC 7517): `kty` EC, OKP or oct. */
  jwk: JWK
  createdAt: string
  /** From then on it signs, until a later key becomes active. */
  activateAt: string
  /** From then on it neither signs nor verifies, and is no longer published. */
  retireAt?: string
}

/** The file that `JWT_KEYS_FILE` names. */
export interface KeySetFile {
  version: 1
  keys: KeySetEntry[]
}

/** The key that signs at `now`: the one activated last among those that are active and not retired. */
export function signingKeyAt<Key extends Pick<KeySetEntry, 'activateAt' | 'retireAt'>>(
  keys: readonly Key[],
  now: Date,
): Key | undefined {
  return keys
    .filter((key) => Date.parse(key.activateAt) <= now.getTime() && !isRetired(key, now))
    .reduce<Key | undefined>(
      (latest, key) =>
        latest === undefined || Date.parse(key.activateAt) > Date.parse(latest.activateAt) ? key : latest,
      undefined,
    )
}

/** Whether the key still verifies and is published; keys of the future are, so that caches know them in time. */
export function isRetired(key: Pick<KeySetEntry, 'retireAt'>, now: Date): boolean {
  return key.retireAt !== undefined && Date.parse(key.retireAt) <= now.getTime()
}

/** What each algorithm's key is: `kty` and `crv`. RFC 7518 section 6, RFC 8037 section 2. */
const keyTypes = {
  HS256: { kty: 'oct', crv: undefined },
  ES256: { kty: 'EC', crv: 'P-256' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
} as const

/** What the keys of a set say that cannot be, without looking at the key material. */
export function keySetProblem(keys: readonly KeySetEntry[]): string | undefined {
  const kids = keys.map(({ kid }) => kid)
  const repeated = kids.find((kid, index) => kids.indexOf(kid) !== index)
  if (repeated !== undefined) return `key id ${repeated} is there twice`
  return keys.map(keyProblem).find((one) => one !== undefined)
}

function keyProblem({ kid, alg, jwk, createdAt, activateAt, retireAt }: KeySetEntry): string | undefined {
  const dates = [createdAt, activateAt, ...(retireAt === undefined ? [] : [retireAt])]
  if (dates.some((date) => Number.isNaN(Date.parse(date)))) return `key ${kid} has a date that does not exist`
  if (retireAt !== undefined && Date.parse(retireAt) <= Date.parse(activateAt)) {
    return `key ${kid} retires before it is active`
  }
  const { kty, crv } = keyTypes[alg]
  if (jwk.kty === kty && (crv === undefined || jwk.crv === crv)) return undefined
  return `key ${kid} is for ${alg}, and its kty is ${jwk.kty}${jwk.crv === undefined ? '' : `, its crv ${jwk.crv}`}`
}
