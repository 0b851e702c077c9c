import { isDeepStrictEqual } from 'node:util'
import Type, { type Static } from 'typebox'
import Value from 'typebox/value'
import type { Log } from './log.ts'
import type { Transport } from './transport.ts'

/** A public key, RFC 7517. The API server adds other members, which are dropped. */
const KeySchema = Type.Object({
  kty: Type.String({ maxLength: 16 }),
  kid: Type.Optional(Type.String({ maxLength: 256 })),
  alg: Type.Optional(Type.String({ maxLength: 16 })),
  use: Type.Optional(Type.String({ maxLength: 16 })),
  crv: Type.Optional(Type.String({ maxLength: 16 })),
  x: Type.Optional(Type.String({ maxLength: 1_400 })),
  y: Type.Optional(Type.String({ maxLength: 1_400 })),
  n: Type.Optional(Type.String({ maxLength: 1_400 })),
  e: Type.Optional(Type.String({ maxLength: 16 })),
})
const KeySetSchema = Type.Object({ keys: Type.Array(KeySchema, { minItems: 1, maxItems: 20 }) })
const DocumentSchema = Type.Object({ issuer: Type.String({ pattern: '^https://', maxLength: 512 }) })

function knownMembers(key: Static<typeof KeySchema>): Static<typeof KeySchema> {
  const names = Object.keys(KeySchema.properties)
  return Object.fromEntries(Object.entries(key).filter(([name]) => names.includes(name))) as typeof key
}

/** Who issues the tokens of the cluster's ServiceAccounts, and the keys that verify them. */
export interface ServiceAccountIssuer {
  issuer: string
  jwks: Static<typeof KeySetSchema>
}

export interface IssuerOptions {
  transport: Pick<Transport, 'json'>
  log: Log
  /** Interval between requests to the API server. */
  intervalMilliseconds?: number
}

/** An API server starts to sign with a new key only after it has been restarted with it. */
const defaultIntervalMilliseconds = 60_000

/**
 * Reads the issuer again and again, because its keys change. Every ServiceAccount has the permission, by the binding
 * `system:service-account-issuer-discovery` that each cluster has.
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery
 */
export class ServiceAccountIssuerReader {
  readonly #options: IssuerOptions
  #current: ServiceAccountIssuer | undefined
  #problem = 'it has not been read yet'
  #onChange: () => void = () => {}
  #timer: NodeJS.Timeout | undefined
  #reading: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: IssuerOptions) {
    this.#options = options
  }

  /** The last answer; undefined while there was none. */
  get current(): ServiceAccountIssuer | undefined {
    return this.#current
  }

  /** Why there is no answer, without a full stop. */
  get problem(): string {
    return this.#problem
  }

  /** Called when the issuer or its keys change. */
  onChange(handler: () => void): void {
    this.#onChange = handler
  }

  /** @returns after the first attempt */
  async start(): Promise<void> {
    const again = () => {
      this.#reading = this.#read().then(() => {
        if (!this.#stopped)
          this.#timer = setTimeout(again, this.#options.intervalMilliseconds ?? defaultIntervalMilliseconds)
      })
    }
    again()
    await this.#reading
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#reading
  }

  /** A failure keeps the previous answer. */
  async #read(): Promise<void> {
    try {
      const read = await this.#ask()
      if (isDeepStrictEqual(read, this.#current)) return
      this.#current = read
      this.#onChange()
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error)
      this.#options.log.debug({ err: error }, 'the issuer of ServiceAccount tokens cannot be read: retrying')
    }
  }

  async #ask(): Promise<ServiceAccountIssuer> {
    const { transport } = this.#options
    const get = (path: string, accept: string) =>
      transport.json<unknown>({ method: 'GET', path, headers: { accept }, timeoutMilliseconds: 10_000 })
    const document = await get('/.well-known/openid-configuration', 'application/json')
    const jwks = await get('/openid/v1/jwks', 'application/jwk-set+json')
    if (!Value.Check(DocumentSchema, document)) {
      throw new Error('the API server names no issuer with https: see its flag --service-account-issuer')
    }
    if (!Value.Check(KeySetSchema, jwks)) throw new Error('the API server answers no keys at /openid/v1/jwks')
    return { issuer: document.issuer, jwks: { keys: jwks.keys.map(knownMembers) } }
  }
}
