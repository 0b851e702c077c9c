import type { FastifyInstance } from 'fastify'
import changeUser from './change-user.ts'
import createUser from './create-user.ts'
import deleteUser from './delete-user.ts'
import getUser from './get-user.ts'
import listUsers from './list-users.ts'
import setUserPassword from './set-user-password.ts'
import userActions from './user-actions.ts'
import userClaims from './user-claims.ts'

export default async function userRoutes(app: FastifyInstance): Promise<void> {
  await app.register(listUsers)
  await app.register(createUser)
  await app.register(getUser)
  await app.register(changeUser)
  await app.register(setUserPassword)
  await app.register(deleteUser)
  await app.register(userActions)
  await app.register(userClaims)
}
