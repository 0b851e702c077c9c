import Type from 'typebox'
import { duration, listSet, objectName, text } from '../../authservice/api/fields.ts'
import { seconds } from '../../authservice/api/rules.ts'
import { between } from '../../authservice/api/spec/duration-bounds.ts'

/** How a client authenticates at the token endpoint. */
const methods = ['Secret', 'PrivateKeyJWT', 'ServiceAccount', 'None'] as const

/** A member of a JSON Web Key in base64url. RSA with 8,192 bits needs 1,366 characters. */
const part = (description: string) => Type.Optional(text(1_400, { pattern: '^[A-Za-z0-9_-]+$', description }))
const word = (description: string) => Type.Optional(text(128, { description }))

const KeySchema = Type.Object(
  {
    kty: Type.Enum(['EC', 'RSA', 'OKP'], { description: 'Type of the key.' }),
    kid: word('ID of the key, which the client names in its assertions.'),
    alg: word('Algorithm of the key.'),
    use: word('`sig`.'),
    crv: word('Curve of an EC or OKP key.'),
    x: part('Coordinate of an EC key, or an OKP key.'),
    y: part('Coordinate of an EC key.'),
    n: part('Modulus of an RSA key.'),
    e: part('Exponent of an RSA key.'),
  },
  { description: 'A public key (RFC 7517).' },
)

const SecretSchema = Type.Object(
  {
    rotationInterval: Type.Optional(
      duration({
        description:
          'Time from one secret to the next. Set it only if the application reads the Secret again, or restarts when it changes.',
        rules: [between([86_400, '1d'], [86_400 * 730, '730d'])],
        defaultText: 'none: the secret changes when the annotation `auth-operator.dev/rotate-secret` asks for it',
      }),
    ),
    overlap: Type.Optional(
      duration({
        description: 'Time for which servers accept the previous secret.',
        rules: [between([600, '10m'], [86_400 * 30, '30d'])],
        defaultText: '`24h`',
      }),
    ),
  },
  {
    description: 'The secret that the operator creates.',
    rules: [
      {
        rule: `!has(self.rotationInterval) || !has(self.overlap) || ${seconds('self.overlap')} < ${seconds('self.rotationInterval')}`,
        message: 'overlap must be shorter than rotationInterval: write a shorter one, such as 24h',
        fieldPath: '.overlap',
      },
    ],
  },
)

export const AuthenticationSchema = Type.Object(
  {
    method: Type.Optional(
      Type.Enum([...methods], {
        description:
          '`Secret`: the operator creates a secret in the Secret `<name>-credentials`. `PrivateKeyJWT`: the client signs assertions (RFC 7523) with a key of its own. `ServiceAccount`: it presents the token that Kubernetes gives its pods, so that no secret exists. `None`: a public client, such as a single-page or mobile application.',
        defaultText: '`Secret`',
      }),
    ),
    secret: Type.Optional(SecretSchema),
    jwks: Type.Optional(
      Type.Object(
        {
          keys: Type.Array(KeySchema, {
            minItems: 1,
            maxItems: 5,
            description: 'Public keys.',
            'x-kubernetes-list-type': 'atomic',
          }),
        },
        { description: 'Public keys of a client with the method PrivateKeyJWT.' },
      ),
    ),
    serviceAccount: Type.Optional(
      Type.Object(
        {
          names: Type.Array(objectName({ description: 'Name of a ServiceAccount.' }), {
            ...listSet,
            minItems: 1,
            maxItems: 10,
            description: 'ServiceAccounts in the namespace of the AuthClient.',
          }),
        },
        { description: 'Whose tokens authenticate a client with the method ServiceAccount.' },
      ),
    ),
  },
  {
    description: 'How the client proves who it is when it asks for tokens.',
    rules: [
      {
        rule: "!has(self.secret) || !has(self.method) || self.method == 'Secret'",
        message: 'secret applies only to the method Secret: write method: Secret, or remove secret',
        fieldPath: '.secret',
      },
      {
        rule: "(has(self.method) && self.method == 'PrivateKeyJWT') == has(self.jwks)",
        message:
          'the method PrivateKeyJWT, and only this one, needs the public keys of the client: write method: PrivateKeyJWT and jwks.keys',
        fieldPath: '.jwks',
      },
      {
        rule: "(has(self.method) && self.method == 'ServiceAccount') == has(self.serviceAccount)",
        message:
          'the method ServiceAccount, and only this one, needs the names of ServiceAccounts: write method: ServiceAccount and serviceAccount.names',
        fieldPath: '.serviceAccount',
      },
    ],
  },
)
