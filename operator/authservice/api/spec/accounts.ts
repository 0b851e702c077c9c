import Type from 'typebox'
import { duration, flag, integer, secretKeyRef, text } from '../fields.ts'
import { between } from './duration-bounds.ts'

export const InitialAdminSchema = Type.Object(
  {
    email: Type.String({
      minLength: 3,
      maxLength: 254,
      pattern: '^[^<>"$@\\s]+@[^<>"$@\\s]+$',
      description: 'Email of the administrator.',
    }),
    passwordSecretRef: secretKeyRef({
      description: 'Secret key with the first password. Both can go once the administrator is there.',
    }),
  },
  {
    description:
      'The first administrator, made once in the life of a database, and only while it has none. Changing it later changes nobody.',
    defaultText: 'none; `kubectl exec deploy/<name>-blue -- node admin.js create --email …` makes one',
  },
)

export const CookiesSchema = Type.Object(
  {
    enabled: Type.Optional(
      flag({
        description:
          'Whether browsers get the refresh token in a cookie that no script can read, and never in a body. Pages of other origins are those of `cors.origins`.',
      }),
    ),
    sameSite: Type.Optional(
      Type.Enum(['Strict', 'Lax', 'None'], {
        description: 'SameSite of the cookies. `None` is for pages of another site, whose browsers may still refuse.',
      }),
    ),
  },
  { description: 'Refresh tokens in cookies. It is a mode of the whole server: other clients need a cookie jar then.' },
)

export const OAuthSchema = Type.Object(
  {
    clientsSecretRef: secretKeyRef({
      description:
        'Secret key with the programs that may call `/oauth/introspect` and `/oauth/revoke`: for each a line `id:hash`, where the hash is the SHA-256 of its secret in hex. Two lines of one id: two secrets that both work.',
    }),
  },
  { description: 'Clients of the OAuth endpoints.', defaultText: 'none: the endpoints answer 401' },
)

export const TracingSchema = Type.Object(
  {
    otlpEndpoint: Type.String({
      minLength: 1,
      maxLength: 1024,
      pattern: '^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$',
      description:
        'OpenTelemetry collector that gets the traces by OTLP over HTTP: `http://collector.monitoring:4318`.',
    }),
    serviceName: Type.Optional(
      text(63, {
        pattern: '^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$',
        description: 'Name of the service in the traces.',
        defaultText: '`<name>.<namespace>`',
      }),
    ),
    samplePercent: Type.Optional(
      integer(0, 100, {
        description: 'Requests that are traced, in percent, unless the caller has decided (`traceparent`).',
      }),
    ),
  },
  { description: 'Traces of the server.', defaultText: 'none' },
)

export const RegistrationSchema = Type.Object(
  {
    disclosure: Type.Optional(
      Type.Enum(['Open', 'Hidden'], {
        description:
          'Whether registering says that an email is taken. `Hidden`: the answer is always 202, and the owner of the email gets a mail.',
      }),
    ),
  },
  { description: 'How users register.' },
)

export const LogsSchema = Type.Object(
  {
    level: Type.Optional(
      Type.Enum(['Debug', 'Info', 'Warn', 'Error'], { description: 'Least severe level that the server writes.' }),
    ),
    requests: Type.Optional(
      Type.Enum(['All', 'Failed', 'None'], {
        description: 'Answers that get a line in its log; `Failed`: those of 500 and above.',
      }),
    ),
  },
  { description: 'The log of the server, JSON on standard output.' },
)

export const SecurityEventsSchema = Type.Object(
  {
    retention: Type.Optional(
      duration({
        description: 'Time for which they are kept in MongoDB, from when each is written.',
        rules: [between([86_400, '1d'], [86_400 * 3650, '3650d'])],
      }),
    ),
  },
  { description: 'Security events, as `/v1/admin/events` shows them.' },
)
