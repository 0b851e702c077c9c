import Type from 'typebox'
import { address, duration, integer, objectName, secretKeyRef } from '../fields.ts'
import { between } from './duration-bounds.ts'

const secretKey = (defaultKey: string, description: string) =>
  Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 253,
      pattern: '^[-._a-zA-Z0-9]+$',
      description,
      defaultText: `\`${defaultKey}\``,
    }),
  )

const SmtpSchema = Type.Object(
  {
    host: address({
      description: 'Host of the SMTP server: a name, an IPv4 address, or an IPv6 address without brackets.',
    }),
    port: Type.Optional(
      integer(1, 65_535, {
        description: 'Port of the SMTP server.',
        defaultText: '`587`; with `encryption: TLS`: `465`',
      }),
    ),
    encryption: Type.Optional(
      Type.Enum(['StartTLS', 'TLS', 'None'], {
        description:
          '`StartTLS`: unencrypted at first, but encrypted before anything is sent. `TLS`: encrypted from the first byte. `None`: unencrypted, for tests.',
        defaultText: '`StartTLS`',
      }),
    ),
    credentialsSecretRef: Type.Optional(
      Type.Object(
        {
          name: objectName({ description: 'Name of the Secret, in the namespace of the AuthService.' }),
          usernameKey: secretKey('username', 'Key of the user.'),
          passwordKey: secretKey('password', 'Key of the password.'),
        },
        {
          description: 'Secret with a user and a password, such as one of type `kubernetes.io/basic-auth`.',
          defaultText: 'none: no authentication',
        },
      ),
    ),
    caSecretRef: Type.Optional(
      secretKeyRef({
        description: 'Secret key with the CA certificates for the SMTP server, in PEM.',
        defaultText: 'the public CAs',
      }),
    ),
  },
  {
    description: 'SMTP server that sends the mails.',
    rules: [
      {
        rule: "!has(self.caSecretRef) || self.?encryption.orValue('StartTLS') != 'None'",
        message: 'caSecretRef requires encryption: write encryption: StartTLS or TLS, or remove caSecretRef',
        fieldPath: '.caSecretRef',
      },
    ],
  },
)

/** The characters of a URL with the placeholder `{token}`. */
const linkPattern = "^https?://[A-Za-z0-9._~:/?#@!&'*+,;=%-]*[{]token[}][A-Za-z0-9._~:/?#@!&'*+,;=%-]*$"
const link = (page: string) =>
  Type.String({
    minLength: 1,
    maxLength: 1024,
    pattern: linkPattern,
    description: `Page of your application on which ${page}, with \`{token}\` as a placeholder. Put it after a \`#\`, which browsers do not send: \`https://app.example.com/page#token={token}\`.`,
    defaultText: 'with `oidc.enabled`, a page of the server; otherwise required',
  })

export const MailSchema = Type.Object(
  {
    smtp: SmtpSchema,
    from: Type.String({
      minLength: 3,
      maxLength: 320,
      pattern: '^([^<>"$@\\x00-\\x1f]+ <[^<>"$@\\s]+@[^<>"$@\\s]+>|[^<>"$@\\s]+@[^<>"$@\\s]+)$',
      description: 'Sender: `no-reply@example.com`, or `Name <no-reply@example.com>`.',
    }),
    passwordResetURL: Type.Optional(link('users choose a new password')),
    emailVerificationURL: Type.Optional(link('users confirm an email')),
    passwordResetLifetime: Type.Optional(
      duration({
        description: 'Validity of a link to choose a new password.',
        rules: [between([300, '5m'], [86_400, '24h'])],
      }),
    ),
    emailVerificationLifetime: Type.Optional(
      duration({
        description: 'Validity of a link to confirm an email.',
        rules: [between([300, '5m'], [86_400 * 30, '30d'])],
      }),
    ),
  },
  {
    description:
      'Mails with links to choose a new password or to confirm an email, and notifications about changes of an account.',
    defaultText: 'none: in development, the server logs the links; elsewhere, endpoints that send mail answer 501',
  },
)
