import { createHash, createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { isoCBOR } from '@simplewebauthn/server/helpers'
import type { CreationOptions, RequestOptions } from '../../../api-server/plugins/app/passkeys/options.ts'
import type { NewCredential, UsedCredential } from '../../../api-server/plugins/external/webauthn.ts'

/** What differs from an honest browser with an honest authenticator. */
export interface Deviation {
  origin?: string
  rpId?: string
  /** `type` of the client data. */
  type?: string
  challenge?: string
  crossOrigin?: boolean
  isUserPresent?: boolean
  isUserVerified?: boolean
  counter?: number
  userHandle?: string
  /** Of the COSE key. */
  algorithm?: number
}

interface StoredCredential {
  id: string
  rpId: string
  userHandle: string
  key: KeyObject
  counter: number
}

type Sent<Credential> = Credential & { type: 'public-key' }

/** Bits of the authenticator data. WebAuthn level 3 section 6.1. */
const flags = { userPresent: 1, userVerified: 4, backupEligible: 8, backedUp: 16, attested: 64 }

/** An authenticator and its browser, with ES256 keys. It does what it is told, also what real ones refuse. */
export class SoftwareAuthenticator {
  readonly origin: string
  readonly #aaguid: string
  readonly #isSynced: boolean
  readonly #hasCounter: boolean
  #credentials: StoredCredential[] = []

  constructor({
    origin = 'https://app.example.com',
    aaguid = '00000000-0000-0000-0000-000000000000',
    isSynced = false,
    hasCounter = true,
  } = {}) {
    this.origin = origin
    this.#aaguid = aaguid
    this.#isSynced = isSynced
    this.#hasCounter = hasCounter
  }

  /** Another authenticator with the same keys and counters. */
  copy(): SoftwareAuthenticator {
    const copy = new SoftwareAuthenticator({
      origin: this.origin,
      aaguid: this.#aaguid,
      isSynced: this.#isSynced,
      hasCounter: this.#hasCounter,
    })
    copy.#credentials = this.#credentials.map((each) => ({ ...each }))
    return copy
  }

  /** `navigator.credentials.create`. @param reused the ID of another credential, instead of a random one */
  create(options: CreationOptions, deviation: Deviation = {}, reused?: string): Sent<NewCredential> {
    const { publicKey, privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const id = reused ?? randomBytes(32).toString('base64url')
    this.#credentials.push({ id, rpId: options.rp.id, userHandle: options.user.id, key, counter: 0 })
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
    const coordinate = (text: string) => Uint8Array.from(Buffer.from(text, 'base64url'))
    // RFC 9053 section 7.1.1: key type EC2, algorithm, curve P-256, coordinates.
    const cose = new Map<number, number | Uint8Array>([
      [1, 2],
      [3, deviation.algorithm ?? -7],
      [-1, 1],
      [-2, coordinate(x)],
      [-3, coordinate(y)],
    ])
    const idBytes = Buffer.from(id, 'base64url')
    const idLength = Buffer.alloc(2)
    idLength.writeUInt16BE(idBytes.length)
    const authData = Buffer.concat([
      this.#authenticatorData(options.rp.id, deviation.counter ?? 0, deviation, flags.attested),
      Buffer.from(this.#aaguid.replaceAll('-', ''), 'hex'),
      idLength,
      idBytes,
      isoCBOR.encode(cose),
    ])
    const attestation = new Map<string, unknown>([
      ['fmt', 'none'],
      ['attStmt', new Map()],
      ['authData', Uint8Array.from(authData)],
    ])
    return {
      id,
      type: 'public-key',
      response: {
        clientDataJSON: this.#clientData('webauthn.create', options.challenge, deviation).toString('base64url'),
        // Any CBOR value.
        attestationObject: Buffer.from(isoCBOR.encode(attestation as never)).toString('base64url'),
        transports: ['internal'],
      },
    }
  }

  /** `navigator.credentials.get`, with the only credential, or that with this ID. */
  get(options: RequestOptions, deviation: Deviation = {}, id?: string): Sent<UsedCredential> {
    const credential = this.#credentials.findLast((each) => id === undefined || each.id === id)
    if (credential === undefined) throw new Error('the authenticator has no such credential')
    if (this.#hasCounter) credential.counter++
    const authenticatorData = this.#authenticatorData(options.rpId, deviation.counter ?? credential.counter, deviation)
    const clientData = this.#clientData('webauthn.get', options.challenge, deviation)
    const signed = Buffer.concat([authenticatorData, createHash('sha256').update(clientData).digest()])
    return {
      id: credential.id,
      type: 'public-key',
      response: {
        clientDataJSON: clientData.toString('base64url'),
        authenticatorData: authenticatorData.toString('base64url'),
        signature: createSign('sha256').update(signed).sign(credential.key).toString('base64url'),
        userHandle: deviation.userHandle ?? credential.userHandle,
      },
    }
  }

  #authenticatorData(rpId: string, counter: number, deviation: Deviation, more = 0): Buffer {
    const { isUserPresent = true, isUserVerified = true } = deviation
    const bits =
      more |
      (isUserPresent ? flags.userPresent : 0) |
      (isUserVerified ? flags.userVerified : 0) |
      (this.#isSynced ? flags.backupEligible | flags.backedUp : 0)
    const tail = Buffer.alloc(5)
    tail.writeUInt8(bits)
    tail.writeUInt32BE(counter, 1)
    return Buffer.concat([
      createHash('sha256')
        .update(deviation.rpId ?? rpId)
        .digest(),
      tail,
    ])
  }

  #clientData(type: string, challenge: string, deviation: Deviation): Buffer {
    return Buffer.from(
      JSON.stringify({
        type: deviation.type ?? type,
        challenge: deviation.challenge ?? challenge,
        origin: deviation.origin ?? this.origin,
        crossOrigin: deviation.crossOrigin ?? false,
      }),
    )
  }
}
