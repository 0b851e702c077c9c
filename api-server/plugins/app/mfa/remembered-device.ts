import type { Caller } from '../caller.ts'
import type { KnownDevice, RememberedFactor } from '../login-attempts/known-devices.ts'
import { bindingOf } from './challenge-store.ts'

/** What a device remembers after a second factor. */
export function rememberedFactor(caller: Pick<Caller, 'userAgent'>, now: Date): RememberedFactor {
  return { at: now, client: bindingOf(caller.userAgent, undefined) }
}

/**
 * Whether a login from the device needs no second factor. Decision 64.
 *
 * @param device of this user and of this cookie; null: unknown
 * @param version the user's watermark, read after the password was checked: a later one than that of the device ends it
 * @param maxAgeSeconds 0: devices are not remembered
 */
export function isRemembered(
  device: KnownDevice | null,
  { version, caller, maxAgeSeconds }: { version: number; caller: Pick<Caller, 'userAgent'>; maxAgeSeconds: number },
  now: Date,
): boolean {
  if (device?.secondFactor === undefined || device.version === undefined || device.version < version) return false
  const { at, client } = device.secondFactor
  return client === bindingOf(caller.userAgent, undefined) && now.getTime() - at.getTime() < maxAgeSeconds * 1000
}
