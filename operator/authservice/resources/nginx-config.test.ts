import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hostPattern } from '../api/fields.ts'
import { presetOf } from '../api/presets.ts'
import { parseRate } from '../api/units.ts'
import { type NginxConfigInput, nginxConfig } from './nginx-config.ts'
import { nginxRate, rateLimitIntent } from './rate-limits.ts'

const { rateLimits: preset } = presetOf('production')
const limits = {
  perClient: parseRate(preset.perClient),
  burst: preset.burst,
  login: parseRate(preset.login),
  register: parseRate(preset.register),
  refresh: parseRate(preset.refresh),
  reset: parseRate(preset.reset),
}
const input: NginxConfigInput = { ingress: { host: 'auth.example.com' }, rateLimits: limits, traits: { hsts: true } }

describe('limits', () => {
  test('of a route hold beside the one of every request', () => {
    expect(nginxConfig(input)).toContain(`    location = /v1/auth/login {
      limit_req zone=perClient burst=200 nodelay;
      limit_req zone=login burst=10 nodelay;
      proxy_pass http://server;
    }`)
  })

  test('that Nginx cannot count are left to the server', () => {
    expect(nginxConfig(input)).not.toContain('zone=reset')
    expect(nginxConfig({ ...input, rateLimits: { ...limits, reset: parseRate('60/h') } })).toContain(
      'zone=reset:4m rate=1r/m;',
    )
  })

  test('that nobody can count at the edge, by session, are not kept by address', () => {
    expect(rateLimitIntent(limits).map(({ name }) => name)).not.toContain('refresh')
  })

  test('without a burst are written the way Nginx takes them', () => {
    expect(nginxConfig({ ...input, rateLimits: { ...limits, burst: 0 } })).toContain('limit_req zone=perClient;')
  })

  test('are never stricter than the spec', () => {
    const rate = fc.record({ count: fc.integer({ min: 1, max: 9_999_999 }), perSeconds: fc.constantFrom(1, 60, 3600) })
    fc.assert(
      fc.property(rate, ({ count, perSeconds }) => {
        const counted = nginxRate({ count, perSeconds })
        const perMinute = (count * 60) / perSeconds
        if (counted === undefined) expect(perMinute).toBeLessThan(1)
        else expect(counted.count * (counted.unit === 's' ? 60 : 1)).toBeGreaterThanOrEqual(perMinute)
      }),
    )
  })
})

test('only production tells browsers to come back by HTTPS only', () => {
  expect(nginxConfig({ ...input, traits: { hsts: false } })).not.toContain('add_header Strict-Transport-Security')
})

test('no value of a spec can add a directive', () => {
  // The shape of the text, with every value taken out of it.
  const shapeOf = ({ ingress, ...rest }: NginxConfigInput) =>
    nginxConfig({ ingress, ...rest })
      .replaceAll(/burst=\d+|rate=\d+r\/[sm]/g, '<>') // first: a host such as 06 may be a part of a number
      .replaceAll(ingress.host, '<>')
  const host = fc.stringMatching(new RegExp(hostPattern)).filter((text) => text.length > 0 && text.length <= 253)
  const count = fc.integer({ min: 1, max: 9_999_999 })
  const expected = shapeOf(input)
  fc.assert(
    fc.property(host, count, count, (name, perClient, burst) => {
      // A host that is part of the text itself, such as "http", is told by its context.
      fc.pre(!nginxConfig(input).includes(name))
      const rateLimits = { ...limits, perClient: { count: perClient, perSeconds: 1 }, burst }
      expect(shapeOf({ ...input, ingress: { host: name }, rateLimits })).toBe(expected)
    }),
  )
})
