import Type from 'typebox'
import { Name } from './accounts.ts'
import { Email, Password, User, userExample } from './auth.ts'

const Role = Type.Enum(['admin', 'user'])

export const UserParameters = Type.Object({
  id: Type.String({ pattern: '^[0-9a-f]{24}$', examples: [userExample.id] }),
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
  description: 'A user as administrators see it',
  examples: [adminUserExample],
})

export const NewUser = Type.Object(
  { email: Email, password: Password, name: Name, role: Type.Optional(Role) },
  {
    title: 'NewUser',
    additionalProperties: false,
    examples: [{ email: 'user@example.com', password: 'correct horse battery', name: 'User Name', role: 'user' }],
  },
)

export const UserChange = Type.Object(
  { email: Type.Optional(Email), name: Type.Optional(Name), role: Type.Optional(Role) },
  {
    title: 'UserChange',
    description: 'A new role or email ends the sessions of the user',
    additionalProperties: false,
    minProperties: 1,
    examples: [{ role: 'admin' }],
  },
)

const Limit = Type.String({
  pattern: '^([1-9]\\d?|1\\d\\d|200)$',
  default: '50',
  description: 'Entries of a page: 1 to 200',
})
const Cursor = Type.String({ minLength: 1, maxLength: 1_024, description: 'next_cursor of the page before' })
const NextCursor = Type.Union([Type.String(), Type.Null()], { description: 'For the next page; null on the last' })

export const UserQuery = Type.Object(
  {
    email_prefix: Type.Optional(
      Type.String({ minLength: 1, maxLength: 254, description: 'Users whose email begins with it, whatever the case' }),
    ),
    limit: Type.Optional(Limit),
    cursor: Type.Optional(Cursor),
  },
  { additionalProperties: false },
)

export const UserList = Type.Object(
  { users: Type.Array(Type.Object(adminUserMembers)), next_cursor: NextCursor },
  {
    title: 'UserList',
    description: 'Users in the order of their emails',
    examples: [{ users: [adminUserExample], next_cursor: null }],
  },
)

export const EventQuery = Type.Object(
  {
    user_id: Type.Optional(Type.String({ pattern: '^[0-9a-f]{24}$' })),
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
        event: Type.String({ description: 'A word of the OWASP logging vocabulary' }),
        user_id: Type.Optional(Type.String()),
        session_id: Type.Optional(Type.String()),
        email_hash: Type.Optional(Type.String({ description: 'The same for the same email; not the email' })),
        address: Type.Optional(Type.String()),
        reason: Type.Optional(Type.String()),
      }),
    ),
    next_cursor: NextCursor,
  },
  {
    title: 'EventList',
    description: 'Security events, the newest first',
    examples: [
      {
        events: [
          {
            id: '66f0c0ffee0ddba11ca7f00e',
            at: '2026-11-24T09:30:00.000Z',
            event: 'authn_login_fail',
            user_id: userExample.id,
            address: '192.0.2.7',
          },
        ],
        next_cursor: null,
      },
    ],
  },
)
