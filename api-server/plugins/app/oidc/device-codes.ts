import type Provider from 'oidc-provider'
import { errors } from 'oidc-provider'
import { hashOf, newOpaqueToken } from '../opaque-token.ts'
import type { RequestState } from './request-state.ts'
import { noteUse, type OidcStates } from './state-adapter.ts'

/** Minimum time between two polls of a device, less a second for the network. RFC 8628 section 3.2. */
const pollMilliseconds = 4_000

/** What the library knows of a device code, with what this server adds to it. */
interface DeviceCode {
  /** Hash of the secret part of the code. */
  secretHash?: string
}

interface Saved {
  value: string
  payload: object
}

/**
 * A device code is an ID, which the pages of the user need and the database contains, and a secret, of which it has the
 * hash. The token endpoint demands both, and a pause between two requests, which the library does not. RFC 8628 sections
 * 3.5 and 5.2.
 */
export function overrideDeviceCodes(
  { DeviceCode }: Provider,
  states: OidcStates,
  requestState: () => RequestState | undefined,
): void {
  const payloadNames: readonly string[] = Reflect.get(DeviceCode, 'IN_PAYLOAD')
  Object.defineProperty(DeviceCode, 'IN_PAYLOAD', { get: () => [...payloadNames, 'secretHash'] })

  const original: () => Promise<Saved> = Reflect.get(DeviceCode.prototype, 'getValueAndPayload')
  Reflect.set(DeviceCode.prototype, 'getValueAndPayload', async function (this: DeviceCode): Promise<Saved> {
    if (this.secretHash !== undefined) return original.call(this)
    const secret = newOpaqueToken()
    this.secretHash = hashOf(secret)
    const saved = await original.call(this)
    return { ...saved, value: `${saved.value}.${secret}` }
  })

  const find: (id: string, options?: object) => Promise<DeviceCode | undefined> = Reflect.get(DeviceCode, 'find')
  Reflect.set(DeviceCode, 'find', async function (this: unknown, code: string, options?: object) {
    const isTokenRequest = requestState()?.isTokenRequest !== false
    if (!isTokenRequest) return find.call(this, code, options)
    const [id = '', secret = ''] = code.split('.')
    const found = await find.call(this, id, options)
    if (found?.secretHash !== hashOf(secret)) return undefined
    if (!(await noteUse(states, 'DeviceCode', id, pollMilliseconds, new Date()))) throw new errors.SlowDown()
    return found
  })
}
