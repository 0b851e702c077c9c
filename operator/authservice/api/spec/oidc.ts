import Type from 'typebox'
import { address, duration, flag, integer, labelName, listAtomic, listSet, type Rule, secretKeyRef } from '../fields.ts'
import { between } from './duration-bounds.ts'

const ClientNamespacesSchema = Type.Object(
  {
    from: Type.Optional(
      Type.Enum(['Same', 'All', 'Names'], {
        description:
          '`Same`: that of the AuthService. `All`: every namespace that the operator watches. `Names`: those in `names`, and that of the AuthService.',
      }),
    ),
    names: Type.Optional(
      Type.Array(labelName({ description: 'Name of a namespace.' }), {
        ...listSet,
        minItems: 1,
        maxItems: 256,
        description: 'Namespaces, with `from: Names`.',
        defaultText: 'none',
      }),
    ),
  },
  {
    description: 'Namespaces whose AuthClients this AuthService accepts.',
    rules: [
      {
        rule: "(has(self.from) && self.from == 'Names') == has(self.names)",
        message: 'from: Names, and only this one, needs names: write both, or neither',
        fieldPath: '.names',
      },
    ],
  },
)

const ReceiverSchema = Type.Object(
  {
    host: address({
      description:
        'Host of the `backchannelLogoutUri`, compared exactly: a name, such as `shop.shops.svc`, an IPv4 address, or an IPv6 address without brackets.',
      rules: [
        {
          rule: "!self.matches('^(localhost|.+[.]localhost|127[.].+|169[.]254[.].+|0[.].+|::1?|[fF][eE][89aAbB].:.*)$')",
          message:
            'servers never send requests to their own pod, or to link-local addresses, where clouds keep credentials: write the host of the application',
        },
      ],
    }),
    port: Type.Optional(
      integer(1, 65_535, { description: 'Port of the `backchannelLogoutUri`.', defaultText: '`443`' }),
    ),
  },
  { description: 'A host and port.' },
)

const BackchannelLogoutSchema = Type.Object(
  {
    receivers: Type.Optional(
      Type.Array(ReceiverSchema, {
        ...listAtomic,
        maxItems: 50,
        description:
          'Where servers may send logout tokens. A `backchannelLogoutUri` with another host or port has no effect, and its AuthClient says so.',
        defaultText: 'none',
      }),
    ),
    caSecretRef: Type.Optional(
      secretKeyRef({
        description:
          'Secret key with the CA certificates of the receivers, in PEM, at most 64 KiB. Servers trust them besides the public CAs, and for logout tokens only.',
        defaultText: 'the public CAs',
      }),
    ),
  },
  { description: 'Notices to applications that a session of theirs has ended.' },
)

export const OidcSchema = Type.Object(
  {
    enabled: Type.Optional(
      flag({
        description:
          'Whether the servers are an OpenID provider: applications log users in on its pages, and get tokens by standard libraries.',
      }),
    ),
    clientNamespaces: Type.Optional(ClientNamespacesSchema),
    backchannelLogout: Type.Optional(BackchannelLogoutSchema),
    signingKeys: Type.Optional(
      Type.Object(
        {
          rotationInterval: Type.Optional(
            duration({
              description:
                'Time from one key to the next. Earlier keys stay published for `tokens.refreshTokenAbsoluteLifetime`.',
              rules: [between([86_400 * 7, '7d'], [86_400 * 730, '730d'])],
            }),
          ),
        },
        {
          description:
            'RS256 keys that sign ID tokens, which the operator creates and rotates in the Secret `<name>-oidc-keys`.',
        },
      ),
    ),
  },
  { description: 'OpenID Connect for applications.' },
)

const isOff = '!self.?oidc.?enabled.orValue(false)'

/**
 * Rules of a spec that involve the OpenID provider and other parts. They read strings without `orValue`, because the
 * cost estimate would lose the maximum length.
 */
export const oidcRules: Rule[] = [
  {
    rule: `${isOff} || has(self.tokens) && has(self.tokens.issuer) || has(self.ingress) && has(self.ingress.host)`,
    message:
      'applications find the OpenID provider at one address: write ingress.host, or tokens.issuer with the HTTPS address that browsers use',
    fieldPath: '.oidc',
  },
  {
    rule: `${isOff} || !has(self.tokens) || !has(self.tokens.issuer) || self.tokens.issuer.matches('^https://[^/]+$')`,
    message:
      'with oidc.enabled, tokens.issuer is the HTTPS address that browsers use, without a path: write one such as https://auth.example.com',
    fieldPath: '.tokens',
  },
  {
    rule: `${isOff} || !has(self.tokens) || !has(self.tokens.issuer) || !has(self.ingress) || !has(self.ingress.host) || self.tokens.issuer.lowerAscii() == 'https://' + self.ingress.host || self.tokens.issuer.lowerAscii().startsWith('https://' + self.ingress.host + ':')`,
    message:
      'with oidc.enabled, browsers go to tokens.issuer to log in, so it must have the host of ingress.host: correct one of them, or remove tokens.issuer',
    fieldPath: '.tokens',
  },
  {
    rule: `${isOff} || !has(self.tokens) || !has(self.tokens.algorithm) || self.tokens.algorithm != 'HS256'`,
    message:
      'applications cannot verify access tokens with HS256: write tokens.algorithm: ES256 or EdDSA, or oidc.enabled: false',
    fieldPath: '.tokens',
  },
]
