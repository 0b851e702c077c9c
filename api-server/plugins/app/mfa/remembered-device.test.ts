import { expect, test } from 'vitest'
import type { KnownDevice } from '../login-attempts/known-devices.ts'
import { isRemembered, rememberedFactor } from './remembered-device.ts'

const now = new Date('2026-11-30T12:00:00Z')
const caller = { userAgent: 'Browser/1.0' }
const secondsAgo = (seconds: number) => new Date(now.getTime() - seconds * 1000)
const remembered = (seconds: number, version = 7) =>
  ({ version, secondFactor: rememberedFactor(caller, secondsAgo(seconds)) }) as KnownDevice
const login = { version: 7, caller, maxAgeSeconds: 3600 }

test('a device is remembered until the bound', () => {
  expect(isRemembered(remembered(3599), login, now)).toBe(true)
  expect(isRemembered(remembered(3600), login, now)).toBe(false)
})

test.each<[string, KnownDevice | null, typeof login]>([
  ['is unknown', null, login],
  ['is known and never had a second factor', { version: 7 } as KnownDevice, login],
  ['has another client', remembered(1), { ...login, caller: { userAgent: 'Browser/2.0' } }],
  ['is from before the watermark', remembered(1, 6), login],
  ['is from a version without watermarks', { secondFactor: rememberedFactor(caller, now) } as KnownDevice, login],
  ['is on a server that remembers none', remembered(0), { ...login, maxAgeSeconds: 0 }],
])('a device that %s needs the second factor', (_what, device, at) => {
  expect(isRemembered(device, at, now)).toBe(false)
})
