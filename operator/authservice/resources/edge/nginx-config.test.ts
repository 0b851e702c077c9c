import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hostPattern } from '../../api/fields.ts'
import { presetOf } from '../../api/presets.ts'
import { parseRate } from '../../api/units.ts'
import { nginxRate, rateLimitIntent } from '../rate-limits.ts'
import { edgeStartScript } from './edge-start.ts'
import { type NginxConfigInput, nginxConfig } from './nginx-config.ts'

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
  test('of a route apply in addition to that of every request', () => {
    expect(nginxConfig(input)).toContain(`    location = /v1/auth/login {
      limit_req zone=perClient burst=200 nodelay;
      limit_req zone=login burst=10 nodelay;
      proxy_pass http://server;
    }`)
  })

  test('that Nginx cannot count are enforced by the server', () => {
    expect(nginxConfig(input)).not.toContain('zone=reset')
    expect(nginxConfig({ ...input, rateLimits: { ...limits, reset: parseRate('60/h') } })).toContain(
      'zone=reset:4m rate=1r/m;',
    )
  })

  test('that count by session, which the edge cannot do, are not enforced by address', () => {
    expect(rateLimitIntent(limits).map(({ name }) => name)).not.toContain('refresh')
  })

  test('without a burst are written in the form that Nginx accepts', () => {
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

describe('limits count', () => {
  const config = nginxConfig(input)
  const entries = [
    ...(/map \$remote_addr \$client_network \{([^}]+\}?[^}]*?)\n {2}\}/.exec(config)?.[1] ?? '').matchAll(
      /"~(.+)" (\S+);/g,
    ),
  ]
  /** Evaluates the map like Nginx: the first matching pattern. */
  const networkOf = (address: string) => {
    for (const [, pattern = '', value = ''] of entries) {
      const groups = new RegExp(pattern).exec(address)?.groups
      if (groups) return value.replaceAll(/\$([a-z])/g, (_, name: string) => groups[name] ?? '')
    }
    return address
  }

  test('all addresses of an IPv6 /64 as one client, and two networks never', () => {
    // Zeros are frequent, because they change the form of an address within the same network.
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
    const first = fc.integer({ min: 0x2000, max: 0x3fff })
    const address = fc.tuple(first, ...Array.from({ length: 7 }, () => group))
    fc.assert(
      fc.property(address, (groups) => {
        // In the form of RFC 5952, as Nginx writes addresses.
        const written = new URL(`http://[${groups.map((one) => one.toString(16)).join(':')}]`).hostname.slice(1, -1)
        expect(networkOf(written)).toBe(
          groups
            .slice(0, 4)
            .map((one) => one.toString(16))
            .join(':'),
        )
      }),
      { numRuns: 2_000 },
    )
  })

  test('each IPv4 address as one client', () => {
    expect(entries.length).toBeGreaterThan(3)
    expect(networkOf('203.0.113.7')).toBe('203.0.113.7')
    expect(config).not.toContain('$binary_remote_addr')
  })
})

test('only in production are browsers told to use only HTTPS', () => {
  expect(nginxConfig({ ...input, traits: { hsts: false } })).not.toContain('add_header Strict-Transport-Security')
})

test('no value of a spec can add a directive', () => {
  // The structure of the text, without its values.
  const shapeOf = ({ ingress, ...rest }: NginxConfigInput) =>
    nginxConfig({ ingress, ...rest })
      .replaceAll(/burst=\d+|rate=\d+r\/[sm]|limit_conn concurrent \d+/g, '<>') // first, because a host such as 06 may be part of a number
      .replaceAll(ingress.host, '<>')
  const host = fc.stringMatching(new RegExp(hostPattern)).filter((text) => text.length > 0 && text.length <= 253)
  const count = fc.integer({ min: 1, max: 9_999_999 })
  const expected = shapeOf(input)
  fc.assert(
    fc.property(host, count, count, (name, perClient, burst) => {
      // A host that is part of the text itself, such as "http", is recognized by its context.
      fc.pre(!nginxConfig(input).includes(name))
      const rateLimits = { ...limits, perClient: { count: perClient, perSeconds: 1 }, burst }
      expect(shapeOf({ ...input, ingress: { host: name }, rateLimits })).toBe(expected)
    }),
  )
})

test('a node without IPv6 gets no address that its kernel does not support', () => {
  const expression = /else ipv6='([^']+)'/.exec(edgeStartScript(':'))?.[1] ?? 'the script has none'
  const there = nginxConfig(input)
  const left = execFileSync('sed', [expression], { input: there, encoding: 'utf8' })
  expect(there).toContain('listen [::]:')
  expect(left).not.toContain('[::]')
  expect(left.split('listen ').length).toBe((there.split('listen ').length - 1) / 2 + 1)
})

test('the log says neither which login nor which device a page belongs to', () => {
  const [, pattern = '', text = ''] = /"~(\S+)" (\$page\S+);/.exec(nginxConfig(input)) ?? []
  const logged = (path: string) => {
    const { page = '', action = '' } = new RegExp(pattern).exec(path)?.groups ?? {}
    return page === '' ? path : text.replace('$page', page).replace('$action', action)
  }
  expect(logged('/oauth/interaction/secret/login')).toBe('/oauth/interaction/*/login')
  expect(logged('/oauth/device/secret')).toBe('/oauth/device/*')
  expect(logged('/oauth/device')).toBe('/oauth/device')
  expect(logged('/oauth/device_authorization')).toBe('/oauth/device_authorization')
})
