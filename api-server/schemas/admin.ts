import Type from 'typebox'
import { Name } from './accounts.ts'
import { NewEmail, Password, User, userExample } from './auth.ts'

const userIdPattern = '^([0-9a-f]{24}|~[\\w-]{1,254})$'
const userIdMeaning = 'An ObjectId in hex. For an _id of another type, ~ and the base64url of its Extended JSON'

const Role = Type.Enum(['admin', 'user'])

export const UserParameters = Type.Object({
  id: Type.String({ pattern: userIdPattern, examples: [userExample.id], description: userIdMeaning }),
})

const adminUserExample = {
  ...userExample,
  is_active: true,
  updated_at: '2026-11-24T09:30:00.000Z',
}

const adminUserMembers = {
  ...User.properties,
  is_active: Type.Boolean(),
  updated_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
}

export const AdminUser = Type.Object(adminUserMembers, {
  title: 'AdminUser',
  description: 'A user, as shown to administrators',
  examples: [adminUserExample],
})

export const NewUser = Type.Object(
  { email: NewEmail, password: Password, name: Name, role: Type.Optional(Role) },
  {
    title: 'NewUser',
    additionalProperties: false,
    examples: [{ email: 'user@example.com', password: 'correct horse battery', name: 'User Name', role: 'user' }],
  },
)

export const UserChange = Type.Object(
  { email: Type.Optional(NewEmail), name: Type.Optional(Name), role: Type.Optional(Role) },
  {
    title: 'UserChange',
    description: 'A new role or email ends all sessions of the user',
    additionalProperties: false,
    minProperties: 1,
    examples: [{ role: 'admin' }],
  },
)

export const NewPassword = Type.Object(
  { new_password: Password },
  {
    title: 'NewPassword',
    additionalProperties: false,
    examples: [{ new_password: 'a new horse battery' }],
  },
)

const Limit = Type.String({
  pattern: '^([1-9]\\d?|1\\d\\d|200)$',
  default: '50',
  description: 'Number of entries on a page, 1 to 200',
})
const Cursor = Type.String({ minLength: 1, maxLength: 2_048, description: 'next_cursor of the previous page' })
const NextCursor = Type.Union([Type.String(), Type.Null()], {
  description: 'Cursor for the next page; null on the last page',
})

const SecondFactorFilter = Type.Enum(['none', 'some'], { description: 'Users without or with a second factor' })

const userQueryMembers = {
  email_prefix: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 254,
      description: 'Users whose email begins with this text, ignoring case',
    }),
  ),
  name: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      pattern: '^[^\\u0000]+$',
      description: 'Users whose name contains this text, ignoring case',
    }),
  ),
  role: Type.Optional(Role),
  state: Type.Optional(Type.Enum(['active', 'inactive'], { description: 'Whether the user may log in' })),
  limit: Type.Optional(Limit),
  cursor: Type.Optional(Cursor),
}

export const UserQuery = Type.Object(userQueryMembers, { additionalProperties: false })

/** With second factors (MFA_MODE). */
export const UserQueryWithFactors = Type.Object(
  { ...userQueryMembers, second_factor: Type.Optional(SecondFactorFilter) },
  { additionalProperties: false },
)

export const UserList = Type.Object(
  { users: Type.Array(Type.Object(adminUserMembers)), next_cursor: NextCursor },
  {
    title: 'UserList',
    description:
      'Users in the order of their emails, followed by users whose email is not text. A page may have fewer entries than the limit, or none. Only next_cursor tells whether it is the last page',
    examples: [{ users: [adminUserExample], next_cursor: null }],
  },
)

export const EventQuery = Type.Object(
  {
    user_id: Type.Optional(Type.String({ pattern: userIdPattern, description: userIdMeaning })),
    event: Type.Optional(Type.String({ pattern: '^[a-z_]{1,64}$', description: 'Such as authn_login_fail' })),
    limit: Type.Optional(Limit),
    cursor: Type.Optional(Cursor),
  },
  { additionalProperties: false },
)

export const EventList = Type.Object(
  {
    events: Type.Array(
      Type.Object({
        id: Type.String(),
        at: Type.String({ format: 'date-time' }),
        event: Type.String({ description: 'Name from the OWASP logging vocabulary' }),
        user_id: Type.Optional(Type.String()),
        client_id: Type.Optional(Type.String({ description: 'Client that failed to authenticate' })),
        session_id: Type.Optional(Type.String()),
        email_hash: Type.Optional(Type.String({ description: 'Keyed hash of the email; equal for equal emails' })),
        address: Type.Optional(Type.String()),
        reason: Type.Optional(Type.String()),
        count: Type.Optional(
          Type.Integer({
            minimum: 1,
            description: 'For refusals: number of times in the minute that began at `at`',
          }),
        ),
      }),
    ),
    next_cursor: NextCursor,
  },
  {
    title: 'EventList',
    description: 'Security events, newest first',
    examples: [
      {
        events: [
          {
            id: '66f0c0ffee0ddba11ca7f00e',
            at: '2026-11-24T09:30:00.000Z',
            event: 'authn_login_fail',
            user_id: userExample.id,
            address: '192.0.2.7',
            count: 3,
          },
        ],
        next_cursor: null,
      },
    ],
  },
)
