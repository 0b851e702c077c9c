import type { ObjectId } from 'mongodb'

/** A user's document. Other programs read and write it as well: no further field is ever added here. */
export interface UserDocument {
  _id: ObjectId
  email: string
  password_hash: string
  name: string
  role: 'admin' | 'user'
  is_active: boolean
  created_at: Date
  updated_at: Date
  last_login: Date
}

/** What the API shows of a user. */
export interface PublicUser {
  id: string
  email: string
  name: string
  role: 'admin' | 'user'
  created_at: string
  last_login: string | null
}

/** Documents of other programs may lack fields that a log-in does not need. */
export type StoredUser = Pick<UserDocument, '_id' | 'email' | 'password_hash'> & Partial<UserDocument>

export function publicUser(user: StoredUser): PublicUser {
  return {
    id: user._id.toHexString(),
    email: user.email,
    name: user.name ?? '',
    role: roleOf(user),
    created_at: (user.created_at ?? user._id.getTimestamp()).toISOString(),
    last_login: user.last_login?.toISOString() ?? null,
  }
}

/** Whatever another program has written there: only one value gives power. */
export function roleOf(user: StoredUser): UserDocument['role'] {
  return user.role === 'admin' ? 'admin' : 'user'
}

/** A user without the field was made before it existed. */
export function isActive(user: StoredUser): boolean {
  return user.is_active !== false
}
