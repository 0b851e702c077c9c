import Type, { type TSchema } from 'typebox'

export const Email = Type.String({
  maxLength: 254,
  pattern: '^[^\\s@]{1,64}@[^\\s@.]+(\\.[^\\s@.]+)+$',
  description: 'Compared without regard to case',
  examples: ['user@example.com'],
})

/** Its length is checked in bytes, with an answer of its own. */
export const Password = Type.String({ minLength: 1, maxLength: 1_024, description: '12 to 72 bytes of UTF-8' })

export const Registration = Type.Object(
  { email: Email, password: Password, name: Type.String({ minLength: 1, maxLength: 200 }) },
  { additionalProperties: false },
)

export const Credentials = Type.Object({ email: Email, password: Password }, { additionalProperties: false })

export const RefreshRequest = Type.Object(
  { refresh_token: Type.String({ minLength: 1, maxLength: 512 }) },
  { additionalProperties: false },
)

export const User = Type.Object({
  id: Type.String(),
  email: Type.String(),
  name: Type.String(),
  role: Type.Enum(['admin', 'user']),
  created_at: Type.String({ format: 'date-time' }),
  last_login: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
})

/** RFC 6749 section 5.1, with the user. */
export const TokenPair = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ description: 'Seconds until the access token expires' }),
  refresh_token: Type.String(),
})

export const Login = Type.Intersect([TokenPair, Type.Object({ user: User })])

/** RFC 9457, and what every answer of this server adds. */
export const ProblemDocument = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'For a person' }),
    code: Type.String({ description: 'For a program: stable' }),
    request_id: Type.String(),
  },
  { additionalProperties: true, description: 'application/problem+json' },
)

/** The answers of a route: those it promises, and a problem for each of these. */
export function answers(promised: Record<number, TSchema>, ...problems: number[]): Record<number, TSchema> {
  return { ...promised, ...Object.fromEntries(problems.map((status) => [status, ProblemDocument])) }
}
