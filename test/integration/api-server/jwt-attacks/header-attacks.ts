import { createHash, createPublicKey } from 'node:crypto'
import { encoded, forge, headerOf, hmac, makeKey, type OwnKey } from './forged-token.ts'
import { type Attack, good, keys, longAgo, material } from './material.ts'

export const noSignature: Attack[] = [
  'none',
  'None',
  'NONE',
  'nOnE',
  'noNe',
  ' none',
  'none ',
  'none\u0000',
  '',
  null,
  0,
  [],
  ['none'],
].flatMap((alg): Attack[] => [
  [`alg ${JSON.stringify(alg)}, no signature`, () => forge({ ...headerOf(keys.es), alg }, material.claims, () => '')],
  [
    `alg ${JSON.stringify(alg)}, the real signature`,
    () => `${encoded({ ...headerOf(keys.es), alg })}.${material.token.split('.').slice(1).join('.')}`,
  ],
])

export const confusedKeys: Attack[] = [keys.es, keys.ed].flatMap((key): Attack[] =>
  Object.entries(publicForms(key)).flatMap(([form, secret]): Attack[] => [
    [
      `HS256 with ${form}, kid of the ${key.entry.alg} key`,
      () => forge({ ...headerOf(key), alg: 'HS256' }, material.claims, (input) => hmac('sha256', secret, input)),
    ],
    [
      `HS256 with ${form}, header of the ${key.entry.alg} key`,
      () => forge(headerOf(key), material.claims, (input) => hmac('sha256', secret, input)),
    ],
    [
      `HS256 with ${form}, kid of the HS256 key`,
      () => forge(headerOf(keys.hs), material.claims, (input) => hmac('sha256', secret, input)),
    ],
  ]),
)

export const confusedAlgorithms: Attack[] = [
  [
    'signed with the ES256 key as EdDSA',
    () => forge({ ...headerOf(keys.es), alg: 'EdDSA' }, material.claims, keys.es.sign),
  ],
  ['the kid of another key', () => forge(headerOf(keys.ed), material.claims, keys.es.sign)],
  [
    'the kid of the HS256 key, an ES256 signature',
    () => forge({ ...headerOf(keys.hs), alg: 'ES256' }, material.claims, keys.es.sign),
  ],
  ...['HS384', 'HS512', 'RS256', 'PS256', 'ES384', 'ES512', 'ES256K', 'Ed25519', 'hs256', 'HS256 '].map(
    (alg): Attack => [
      `alg ${alg} with the HS256 key`,
      () =>
        forge({ ...headerOf(keys.hs), alg }, material.claims, (input) =>
          hmac(
            alg === 'HS512' ? 'sha512' : alg === 'HS384' ? 'sha384' : 'sha256',
            Buffer.from(keys.hs.entry.jwk.k ?? '', 'base64url'),
            input,
          ),
        ),
    ],
  ),
  [
    'the SHA-256 of the input instead of its HMAC',
    () => forge(headerOf(keys.hs), material.claims, (input) => createHash('sha256').update(input).digest()),
  ],
  ['an empty HMAC secret', () => forge(headerOf(keys.hs), material.claims, (input) => hmac('sha256', '', input))],
  [
    'an ES256 signature of zeros (CVE-2022-21449)',
    () => forge(headerOf(keys.es), material.claims, () => Buffer.alloc(64)),
  ],
  [
    'an ES256 signature in DER',
    () => forge(headerOf(keys.es), material.claims, () => Buffer.from('3006020101020101', 'hex')),
  ],
  ['an EdDSA signature of zeros', () => forge(headerOf(keys.ed), material.claims, () => Buffer.alloc(64))],
  ['a key that is retired', () => good(keys.retired)],
]

const foreign = makeKey('ES256', longAgo)
const foreignPublic = { ...foreign.entry.jwk, d: undefined }
const certificate = Buffer.from('not a certificate').toString('base64')

export const headers: Attack[] = (
  [
    ['no kid', { kid: undefined }],
    ['an unknown kid', { kid: 'nobody' }],
    ['a kid that is a path', { kid: '../../../../dev/null' }],
    ['a kid with SQL', { kid: "x' UNION SELECT 'secret' -- " }],
    ['a kid with a command', { kid: '| id' }],
    ['a kid with an operator of MongoDB', { kid: { $gt: '' } }],
    ['a kid that is a list', { kid: [keys.es.entry.kid] }],
    ['a kid of an object property', { kid: '__proto__' }],
    ['a kid with a zero byte', { kid: `${keys.es.entry.kid}\u0000` }],
    ['an embedded jwk', { jwk: foreignPublic, kid: foreign.entry.kid }],
    ['an embedded jwk beside a known kid', { jwk: foreignPublic }],
    ['a jku', { jku: 'http://127.0.0.1:1/jwks.json' }],
    ['an x5u', { x5u: 'http://127.0.0.1:1/cert.pem' }],
    ['an x5c', { x5c: [certificate] }],
    ['an x5t', { 'x5t#S256': createHash('sha256').update('x').digest('base64url') }],
    ['an unknown crit', { crit: ['exp'], exp: 1 }],
    ['an empty crit', { crit: [] }],
    ['a crit of b64', { crit: ['b64'], b64: false }],
    ['b64 without crit', { b64: false }],
    ['a compressed payload', { zip: 'DEF' }],
    ['a nested token', { cty: 'JWT' }],
    ['typ JWT', { typ: 'JWT' }],
    ['no typ', { typ: undefined }],
    ['typ in capitals', { typ: 'AT+JWT' }],
    ['typ with a media type', { typ: 'application/at+jwt' }],
    ['typ of an id token', { typ: 'id+jwt' }],
    ['typ of a logout token', { typ: 'logout+jwt' }],
    ['one member more', { more: true }],
  ] as const
).flatMap(([what, change]): Attack[] => [
  [`${what}, signed by us`, () => forge({ ...headerOf(keys.es), ...change }, material.claims, keys.es.sign)],
  [
    `${what}, signed with a foreign key`,
    () => forge({ ...headerOf(keys.es), ...change }, material.claims, foreign.sign),
  ],
])

const header = () => JSON.stringify(headerOf(keys.es))
export const spelledHeaders: Attack[] = [
  ['alg twice', () => forge(`{"alg":"none",${header().slice(1)}`, material.claims, keys.es.sign)],
  ['alg twice, the last is none', () => forge(`${header().slice(0, -1)},"alg":"none"}`, material.claims, keys.es.sign)],
  ['kid twice', () => forge(`{"kid":"x",${header().slice(1)}`, material.claims, keys.es.sign)],
  ['ALG beside alg', () => forge(`{"ALG":"none",${header().slice(1)}`, material.claims, keys.es.sign)],
  ['an escaped member name', () => forge(header().replace('alg', '\\u0061lg'), material.claims, keys.es.sign)],
  ['white space in the header', () => forge(header().replace(',', ', '), material.claims, keys.es.sign)],
  ['a byte order mark', () => forge(`\ufeff${header()}`, material.claims, keys.es.sign)],
  [
    'other order of the members',
    () => forge({ typ: 'at+jwt', alg: 'ES256', kid: keys.es.entry.kid }, material.claims, keys.es.sign),
  ],
  [
    'the order of the members that the JWT library writes',
    () => forge({ alg: 'ES256', typ: 'at+jwt', kid: keys.es.entry.kid }, material.claims, keys.es.sign),
  ],
  ['a header that is no JSON', () => forge('{', material.claims, keys.es.sign)],
  ['a header that is null', () => forge('null', material.claims, keys.es.sign)],
  ['a header that is a list', () => forge([headerOf(keys.es)], material.claims, keys.es.sign)],
]

/** Symmetric keys made of a public key, which an attacker knows. */
function publicForms(key: OwnKey): Record<string, string | Buffer> {
  const publicKey = createPublicKey({ key: { ...key.entry.jwk }, format: 'jwk' })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  return {
    'the public key as PEM': pem,
    'the public key as PEM without a line end': pem.trim(),
    'the public key as DER': publicKey.export({ type: 'spki', format: 'der' }),
    'the public JWK': JSON.stringify(publicKey.export({ format: 'jwk' })),
    'the x of the public JWK': Buffer.from(key.entry.jwk.x ?? '', 'base64url'),
  }
}
