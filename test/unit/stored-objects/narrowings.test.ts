import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { customResourceDefinition } from '../../../operator/authservice/api/crd.ts'
import { narrowingsOf, type Schema } from './narrowings.ts'

const releases = resolve(import.meta.dirname, '../../releases')
const released = readdirSync(releases, { withFileTypes: true }).filter((entry) => entry.isDirectory())

interface Definition {
  spec: { versions: { name: string; served: boolean; storage: boolean; schema: { openAPIV3Schema: Schema } }[] }
}

/** How a difference begins, and why it refuses nothing that was stored. */
const explained: Record<string, string> = {
  'spec: the rule has(self.environment) ||': 'an AuthService that was stored without it may stay without it',
  "spec: the rule !(self.?environment.orValue('development') == 'production' && has(self.redis.external)":
    'what was stored may stay as it is',
  'spec: the rule !self.?mfa.?passkeys.?enabled': 'only about a new field',
  'spec: the rule !(self.?mfa.?passkeys.?enabled': 'only about a new field',
  'spec: the rule !(oldSelf.?mfa.?passkeys.?enabled': 'only about a new field',
  'spec: the rule !self.?oidc.?enabled': 'only about a new field',
  'spec: the rule !has(self.pages)': 'only about a new field',
  'spec: the rule !has(self.identityProviders)': 'only about a new field',
  "spec: the rule !(self.?environment.orValue('development') == 'production') || !has(self.mail)":
    'as before, and accepts absent URLs',
  'spec: the rule !has(self.mail) ||': 'both URLs were required',
  'spec.redis.external.host: pattern': 'IPv6 addresses in addition',
  'spec.mail.smtp.host: pattern': 'IPv6 addresses in addition',
  'spec.tracing.otlpEndpoint: pattern': 'IPv6 addresses in addition',
  'spec.ingress: the rule !has(self.trustedProxies)': 'only about a new field',
  'spec.ingress: the rule self.?trustedProxyHops.orValue(1) > 0 || self.?trustedProxies': 'only about a new field',
}
const explanations = Object.keys(explained)

test.each(released.map(({ name }) => name))('the schema accepts every value that release %s accepted', (release) => {
  const then: Definition = parse(readFileSync(join(releases, release, 'definition.yaml'), 'utf8'))
  // The same shape, which a schema of literal types does not have.
  const now: Definition = JSON.parse(JSON.stringify(customResourceDefinition()))
  for (const { name, schema } of then.spec.versions.filter(({ served }) => served)) {
    const version = now.spec.versions.find((one) => one.name === name)
    expect(version?.served, `version ${name} is served`).toBe(true)
    const found = narrowingsOf(schema.openAPIV3Schema, version?.schema.openAPIV3Schema ?? {})
    expect(found.filter((text) => !explanations.some((start) => text.startsWith(start)))).toEqual([])
    expect(explanations.filter((start) => !found.some((text) => text.startsWith(start)))).toEqual([])
  }
})

const text: Schema = { type: 'string', maxLength: 10, pattern: '^a' }
const object = (properties: Record<string, Schema>, more: Schema = {}): Schema => ({
  type: 'object',
  properties,
  ...more,
})

test.each<[string, Schema, Schema, string[]]>([
  ['a new field', object({ a: text }), object({ a: text, b: text }), []],
  ['a higher bound', text, { ...text, maxLength: 20 }, []],
  ['a pattern less', text, { type: 'string', maxLength: 10 }, []],
  ['a value more', { enum: ['a'] }, { enum: ['a', 'b'] }, []],
  ['a field less', object({ a: text }), object({}), ['a: the field is gone']],
  ['another type', object({ a: text }), object({ a: { ...text, type: 'integer' } }), ['a: type has changed']],
  ['a lower bound', object({ a: text }), object({ a: { ...text, maxLength: 5 } }), ['a: lower maxLength']],
  ['a minimum', { type: 'integer' }, { type: 'integer', minimum: 1 }, ['the root: higher minimum']],
  ['another pattern', text, { ...text, pattern: '^b' }, ['the root: pattern is new']],
  ['a value less', { enum: ['a', 'b'] }, { enum: ['a'] }, ['the root: the value b is gone']],
  ['a list of values', text, { ...text, enum: ['a'] }, ['the root: the value outside of the new list is gone']],
  ['a required field', object({ a: text }), object({ a: text }, { required: ['a'] }), ['the root: a is required']],
  [
    'a rule',
    { type: 'array', items: text },
    { type: 'array', items: { ...text, 'x-kubernetes-validations': [{ rule: 'self == "a"' }] } },
    ['[]: the rule self == "a" is new'],
  ],
  [
    'narrower values of a map',
    object({ labels: { additionalProperties: text } }),
    object({ labels: { additionalProperties: { ...text, maxLength: 1 } } }),
    ['labels.*: lower maxLength'],
  ],
])('%s', (_, earlier, later, expected) => {
  expect(narrowingsOf(earlier, later)).toEqual(expected)
})
