import { describe, expect, test } from 'vitest'
import { type Credentials, type CredentialsPolicy, decideCredentials, hashOf, parseCredentials } from './credentials.ts'

const now = new Date('2026-12-01T12:00:00.000Z')
const at = (seconds: number) => new Date(now.getTime() + seconds * 1000)
const policy: CredentialsPolicy = {
  rotationIntervalSeconds: undefined,
  overlapSeconds: 86_400,
  requested: undefined,
  isNextLoaded: false,
}
let made = 0
const newSecret = () => `secret-${++made}`.padEnd(43, '_')
const decide = (existing: Credentials | undefined, changes: Partial<CredentialsPolicy> = {}, when = now) =>
  decideCredentials(existing, { ...policy, ...changes }, when, newSecret)
const first = decide(undefined).credentials

describe('the secret of a client', () => {
  test('is created once, and stays', () => {
    expect(decide(undefined).why).toBe('the first secret')
    const kept = decide(first, {}, at(10 * 365 * 86_400))
    expect(kept).toMatchObject({ credentials: first, hashes: [hashOf(first.secret)] })
    expect([kept.why, kept.nextRotationAt, kept.nextChangeAt]).toEqual([undefined, undefined, undefined])
  })

  test('is not known to the client before every server accepts it', () => {
    const announced = decide(first, { requested: 'monday' })
    expect(announced.why).toBe('a rotation was requested')
    const { secret, next = '' } = announced.credentials
    expect(secret).toBe(first.secret)
    expect(announced.hashes).toEqual([hashOf(first.secret), hashOf(next)])

    const waiting = decide(announced.credentials, {}, at(86_400))
    expect(waiting).toMatchObject({ why: undefined, credentials: { secret: first.secret, next } })
    const switched = decide(announced.credentials, { requested: 'monday', isNextLoaded: true }, at(180))
    expect(switched.credentials).toMatchObject({ secret: next, record: { createdAt: at(180).toISOString() } })
    expect(switched.credentials).not.toHaveProperty('next')
    expect(switched.hashes).toEqual([hashOf(next), hashOf(first.secret)])
    expect(switched.nextChangeAt).toEqual(at(180 + 86_400))

    const over = decide(switched.credentials, { requested: 'monday' }, at(180 + 86_400))
    expect(over).toMatchObject({ why: 'servers no longer accept the previous secret', hashes: [hashOf(next)] })
    expect(decide(over.credentials, { requested: 'monday' }, at(200_000)).why, 'one value rotates once').toBeUndefined()
  })

  test('rotates on schedule', () => {
    const scheduled = { rotationIntervalSeconds: 90 * 86_400 }
    expect(decide(first, scheduled, at(90 * 86_400 - 1))).toMatchObject({
      why: undefined,
      nextChangeAt: at(90 * 86_400),
    })
    expect(decide(first, scheduled, at(90 * 86_400)).why).toBe('the secret reached its maximum age')
  })

  test('that rotates again within the overlap ends it, because servers accept two', () => {
    const announced = decide(first, { requested: 'one' })
    const switched = decide(announced.credentials, { requested: 'one', isNextLoaded: true }, at(120))
    const again = decide(switched.credentials, { requested: 'two' }, at(121))
    expect(again.hashes).toEqual([hashOf(again.credentials.secret), hashOf(again.credentials.next ?? '')])
    expect(again.credentials.record.previous).toBeUndefined()
  })

  test('that somebody chose is not accepted, and an edited record keeps the secret', () => {
    const parse = (secret: string, record?: string) =>
      parseCredentials({ client_secret: secret }, record, '2026-01-01T00:00:00Z')
    expect(parse('password')).toBeUndefined()
    expect(parseCredentials({}, undefined, '')).toBeUndefined()
    for (const edited of [undefined, '{', '{"createdAt":"never"}', '{"createdAt":1}']) {
      expect(parse(first.secret, edited)).toEqual({
        secret: first.secret,
        record: { createdAt: '2026-01-01T00:00:00Z' },
      })
    }
    expect(parse(first.secret, JSON.stringify(first.record))).toEqual(first)
  })
})
