import { createPublicKey, randomBytes } from 'node:crypto'
import { CompactEncrypt } from 'jose'
import { encoded, forge, headerOf } from './forged-token.ts'
import { type Attack, good, keys, material, secondsNow } from './material.ts'

const names = ['iss', 'aud', 'sub', 'sid', 'role', 'ver', 'jti', 'iat', 'nbf', 'exp']
const wrongTypes = [null, true, {}, [], '', '1', -1, 1.5, 1e300, [['x']]]
export const edges: Attack[] = [
  ...names.map((name): Attack => [`no ${name}`, () => good(keys.es, { [name]: undefined })]),
  ...names.flatMap((name) =>
    wrongTypes
      .filter((value) => !(value === '1' && ['sub', 'sid', 'role', 'jti'].includes(name)))
      .map((value): Attack => [`${name} is ${JSON.stringify(value)}`, () => good(keys.es, { [name]: value })]),
  ),
  ['another issuer', () => good(keys.es, { iss: 'https://evil.example.com' })],
  ['the issuer with a slash', () => good(keys.es, { iss: `${material.claims['iss']}/` })],
  ['another audience', () => good(keys.es, { aud: 'others' })],
  ['ours among other audiences', () => good(keys.es, { aud: [material.claims['aud'], 'others'] })],
  ['our audience in capitals', () => good(keys.es, { aud: String(material.claims['aud']).toUpperCase() })],
  ['an exp that has passed', () => good(keys.es, { exp: secondsNow() - 31 })],
  ['an exp of zero', () => good(keys.es, { exp: 0 })],
  ['an exp that overflows', () => good(keys.es, { exp: 2 ** 53 })],
  ['an exp in text', () => good(keys.es, { exp: String(secondsNow() + 60) })],
  ['an iat in the future', () => good(keys.es, { iat: secondsNow() + 60 })],
  ['an nbf in the future', () => good(keys.es, { nbf: secondsNow() + 60 })],
  ['an nbf in milliseconds', () => good(keys.es, { nbf: Date.now() })],
]

const payload = () => JSON.stringify(material.claims)
export const payloads: Attack[] = [
  ['a claim twice', () => forge(headerOf(keys.es), `{"role":"admin",${payload().slice(1)}`, keys.es.sign)],
  ['exp twice', () => forge(headerOf(keys.es), `${payload().slice(0, -1)},"exp":9999999999}`, keys.es.sign)],
  ['white space in the payload', () => forge(headerOf(keys.es), ` ${payload()}`, keys.es.sign)],
  ['data behind the payload', () => forge(headerOf(keys.es), `${payload()}{}`, keys.es.sign)],
  ['a payload that is a list', () => forge(headerOf(keys.es), [material.claims], keys.es.sign)],
  ['a payload that is null', () => forge(headerOf(keys.es), 'null', keys.es.sign)],
  ['a payload that is text', () => forge(headerOf(keys.es), '"admin"', keys.es.sign)],
  ['a payload that is no JSON', () => forge(headerOf(keys.es), '{"sub"', keys.es.sign)],
  ['a payload that is no UTF-8', () => forgeBytes(Buffer.from([0xff, 0xfe, 0x7b]))],
  ['a payload of a prototype', () => forge(headerOf(keys.es), `{"__proto__":${payload()}}`, keys.es.sign)],
  ['a very deep claim', () => forge(headerOf(keys.es), `{"x":${'['.repeat(1_400)}${']'.repeat(1_400)}}`, keys.es.sign)],
  ['a very deep payload', () => forge(headerOf(keys.es), '['.repeat(1_500), keys.es.sign)],
]

function forgeBytes(bytes: Buffer): string {
  const input = `${encoded(headerOf(keys.es))}.${bytes.toString('base64url')}`
  return `${input}.${keys.es.sign(input).toString('base64url')}`
}

export const forms: Attack[] = [
  [
    'one byte of the signature changed',
    () => material.token.replace(/.{4}$/, (end) => (end.startsWith('A') ? `B${end.slice(1)}` : `A${end.slice(1)}`)),
  ],
  [
    'a role made better',
    () =>
      material.token
        .split('.')
        .with(1, encoded({ ...material.claims, role: 'admin' }))
        .join('.'),
  ],
  ['the signature left out', () => material.token.replace(/\.[^.]*$/, '.')],
  ['two parts', () => material.token.replace(/\.[^.]*$/, '')],
  ['a part behind it', () => `${material.token}.`],
  ['data behind it', () => `${material.token}.e30`],
  ['the token twice', () => `${material.token}.${material.token}`],
  ['a comma and another token', () => `${material.token},${material.token}`],
  [
    'a JWS in JSON',
    () => {
      const [protectedHeader, body, signature] = material.token.split('.')
      return JSON.stringify({ protected: protectedHeader, payload: body, signature })
    },
  ],
  [
    'a JWE for the HS256 key',
    () =>
      new CompactEncrypt(Buffer.from(JSON.stringify(material.claims)))
        .setProtectedHeader({ alg: 'dir', enc: 'A128CBC-HS256', kid: keys.hs.entry.kid })
        .encrypt(Buffer.from(keys.hs.entry.jwk.k ?? '', 'base64url')),
  ],
  [
    'a JWE for the public key',
    async () =>
      new CompactEncrypt(Buffer.from(JSON.stringify(material.claims)))
        .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', kid: keys.es.entry.kid })
        .encrypt(createPublicKey({ key: { ...keys.es.entry.jwk }, format: 'jwk' })),
  ],
  ['five empty parts', () => '....'],
  ['dots', () => '..'],
  ['4 KiB of claims, signed by us', () => good(keys.es, { more: 'x'.repeat(4_096) })],
  ['6 KiB of signature', () => `${material.token}${'A'.repeat(6_000)}`],
  ['random bytes', () => randomBytes(200).toString('base64url')],
]
