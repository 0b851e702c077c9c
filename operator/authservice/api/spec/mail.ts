import Type from 'typebox'
import { duration, host, integer, objectName, secretKeyRef } from '../fields.ts'
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
    host: host({ description: 'Host of the SMTP server.' }),
    port: Type.Optional(
      integer(1, 65_535, { description: 'Its port.', defaultText: '`587`; with `encryption: TLS`: `465`' }),
    ),
    encryption: Type.Optional(
      Type.Enum(['StartTLS', 'TLS', 'None'], {
        description:
          '`StartTLS`: begins in plain text and sends nothing before it is encrypted. `TLS`: encrypted from the first byte. `None`: plain text, for trying things.',
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
          defaultText: 'none: the SMTP server asks for no user',
        },
      ),
    ),
    caSecretRef: Type.Optional(
      secretKeyRef({
        description: "Secret key with the PEM certificates that sign the SMTP server's.",
        defaultText: 'the public authorities',
      }),
    ),
  },
  {
    description: 'The SMTP server that takes the mails.',
    rules: [
      {
        rule: "!has(self.caSecretRef) || self.?encryption.orValue('StartTLS') != 'None'",
        message:
          'caSecretRef is for encrypted mail, and encryption is None: write encryption: StartTLS, or remove caSecretRef',
        fieldPath: '.caSecretRef',
      },
    ],
  },
)

/** What a URL may have, with `{token}` where the token goes. */
const linkPattern = "^https?://[A-Za-z0-9._~:/?#@!&'*+,;=%-]*[{]token[}][A-Za-z0-9._~:/?#@!&'*+,;=%-]*$"
const link = (page: string) =>
  Type.String({
    minLength: 1,
    maxLength: 1024,
    pattern: linkPattern,
    description: `Page of your application where ${page}, with \`{token}\` where the token goes, best behind a \`#\`, which browsers do not send: \`https://app.example.com/page#token={token}\`.`,
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
    passwordResetURL: link('a new password is chosen'),
    emailVerificationURL: link('an email is confirmed'),
    passwordResetLifetime: Type.Optional(
      duration({
        description: 'Time for which a link to choose a new password works.',
        rules: [between([300, '5m'], [86_400, '24h'])],
      }),
    ),
    emailVerificationLifetime: Type.Optional(
      duration({
        description: 'Time for which a link to confirm an email works.',
        rules: [between([300, '5m'], [86_400 * 30, '30d'])],
      }),
    ),
  },
  {
    description:
      'Mails: links to choose a new password and to confirm an email, and notes about changes of an account.',
    defaultText: 'none: links go to the log in development; elsewhere the calls that send mail answer 501',
  },
)
