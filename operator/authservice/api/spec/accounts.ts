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
      description: 'Secret key with the first password. You can delete it after the administrator exists.',
    }),
  },
  {
    description:
      'The first administrator. The account is created only once for each database, and only if the database has no administrator. Later changes have no effect.',
    defaultText: 'none; create one with `kubectl exec deploy/<name>-blue -- node admin.js create --email …`',
  },
)

export const CookiesSchema = Type.Object(
  {
    enabled: Type.Optional(
      flag({
        description:
          'Whether the server sends refresh tokens in a cookie that scripts cannot read, and never in a body. `cors.origins` lists the pages on other origins.',
      }),
    ),
    sameSite: Type.Optional(
      Type.Enum(['Strict', 'Lax', 'None'], {
        description:
          'SameSite attribute of the cookies. `None` is for pages on another site; some browsers refuse these cookies.',
      }),
    ),
  },
  { description: 'Refresh tokens in cookies. The mode applies to the whole server, so all clients need a cookie jar.' },
)

export const OAuthSchema = Type.Object(
  {
    clientsSecretRef: secretKeyRef({
      description:
        'Secret key with the clients that may call `/oauth/introspect` and `/oauth/revoke`: one line `id:hash` for each, where the hash is the SHA-256 of its secret in hex. Two lines with the same ID are two valid secrets.',
    }),
  },
  { description: 'Clients of the OAuth endpoints.', defaultText: 'none: the endpoints answer 401' },
)

export const TracingSchema = Type.Object(
  {
    otlpEndpoint: Type.String({
      minLength: 1,
      maxLength: 1024,
      pattern:
        '^https?://([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\\[[0-9a-fA-F:.]+\\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$',
      description:
        'OpenTelemetry collector that receives the traces (OTLP over HTTP), such as `http://collector.monitoring:4318`.',
    }),
    serviceName: Type.Optional(
      text(63, {
        pattern: '^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$',
        description: 'Service name in the traces.',
        defaultText: '`<name>.<namespace>`',
      }),
    ),
    samplePercent: Type.Optional(
      integer(0, 100, {
        description: 'Percentage of requests that are traced if the caller has not decided (`traceparent`).',
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
          'Whether a registration reveals that an email is taken. With `Hidden`, the answer is always 202, and the owner of the email gets a mail.',
      }),
    ),
  },
  { description: 'How users register.' },
)

export const LogsSchema = Type.Object(
  {
    level: Type.Optional(
      Type.Enum(['Debug', 'Info', 'Warn', 'Error'], { description: 'Least severe level that the server logs.' }),
    ),
    requests: Type.Optional(
      Type.Enum(['All', 'Failed', 'None'], {
        description: 'Requests that the server logs. `Failed`: requests with status 500 and above.',
      }),
    ),
  },
  { description: 'The log of the server, JSON on standard output.' },
)

export const SecurityEventsSchema = Type.Object(
  {
    retention: Type.Optional(
      duration({
        description: 'Time for which MongoDB keeps each event.',
        rules: [between([86_400, '1d'], [86_400 * 3650, '3650d'])],
      }),
    ),
  },
  { description: 'Security events, which `/v1/admin/events` shows.' },
)
