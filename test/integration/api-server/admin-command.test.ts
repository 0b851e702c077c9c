import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, onTestFinished, test, vi } from 'vitest'
import { claimsOfNamedUser } from '../../../api-server/commands/admin/claims.ts'
import { reencryptFactors } from '../../../api-server/commands/admin/reencrypt-factors.ts'
import { listUsers, resetFactorsOfNamedUser, unlockNamedUser } from '../../../api-server/commands/admin/users.ts'
import { parseEmail } from '../../../api-server/plugins/app/users/email.ts'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import { type AppForTest, freshDatabase, logIn, logInAsAdmin, password, startApp } from './app-for-test.ts'
import { runProgram } from './run-program.ts'
import {
  codeOf,
  type Enrolled,
  enrol,
  firstStep,
  forgetUsedCodes,
  type MfaDeployment,
  mfaEnvironment,
  secondStep,
  startDeployment,
  wrongCodeOf,
} from './second-factor.ts'

let deployment: MfaDeployment
let server: AppForTest

beforeAll(async () => {
  deployment = await startDeployment()
  server = deployment.server
})
afterAll(() => deployment.close())

/** Runs the program beside the servers. */
function admin(args: string[], more: ServerEnvironment = {}) {
  const redis = inject('redis')
  return runProgram('commands/admin.ts', args, {
    MFA_MODE: 'optional',
    MFA_SECRET: String(mfaEnvironment.MFA_SECRET),
    DATABASE_NAME: server.config.mongodb.database,
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    SMTP_URL: server.config.mail.smtp?.url ?? '',
    MAIL_FROM: 'no-reply@example.com',
    PASSWORD_RESET_URL: 'https://app.example.com/reset#token={token}',
    EMAIL_VERIFY_URL: 'https://app.example.com/verify#token={token}',
    ...more,
  })
}

/** Runs a command as the program does, on a server of this process. @returns its lines */
async function linesOf(command: AsyncIterable<string>): Promise<string[]> {
  const lines: string[] = []
  for await (const line of command) lines.push(line)
  return lines
}

const eventsOf = ({ id }: { id: string | Enrolled['id'] }) =>
  server.app.mongo.db
    .collection('security_events')
    .find({ userId: id.toString() })
    .map(({ event, reason }) => `${event}: ${reason}`)
    .toArray()

test('the program resets factors as the API does: sessions end, with a mail and events', {
  timeout: 240_000,
}, async () => {
  const user = await enrol(server)
  const token = await firstStep(server, user)
  const { code, output } = await admin(['reset-factors', '--email', user.email.toUpperCase()])
  expect(code, output).toBe(0)
  expect(output).toBe(`Removed all second factors of ${user.email}, and ended all their sessions.\n`)
  await expect.poll(() => server.get('/v1/me', user.bearer)).toMatchObject({ status: 401 })
  expect(await secondStep(server, token, codeOf(user.secret))).toMatchObject({ body: { code: 'mfa_token_invalid' } })
  expect((await server.post('/v1/auth/login', { email: user.email, password })).status).toBe(200)
  await expect.poll(() => deployment.subjectsTo(user.email)).toContain('Your second factors were removed')
  await expect
    .poll(() => eventsOf(user))
    .toEqual(
      expect.arrayContaining(['authn_mfa_reset: by the admin command', 'authz_admin: mfa/reset by the admin command']),
    )
  const again = linesOf(resetFactorsOfNamedUser(server.app, { id: user.id.toString() }))
  await expect(again).rejects.toThrow('The user has no second factor.')
})

test('the program changes nothing without Redis, and explains its use', { timeout: 240_000 }, async () => {
  const user = await enrol(server)
  const { code, output } = await admin(['reset-factors', '--email', user.email], { REDIS_PORT: '1' })
  expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining('Redis at 127.0.0.1:1 is unavailable') })
  expect(await server.app.mfa.factors.find(user.id)).not.toBeNull()
  const nonsense = await admin(['nonsense'])
  expect(nonsense).toEqual({ code: 1, output: expect.stringContaining('Usage: npm run admin -- COMMAND') })
})

test('users are listed by second factor, role and state', async () => {
  const [user, plain, boss] = [await enrol(server), await logIn(server), await logInAsAdmin(server)]
  const all = await linesOf(listUsers(server.app, {}))
  expect(all).toContain(`${user.id}\tuser\tactive\t${user.email}`)
  const none = (await linesOf(listUsers(server.app, { 'second-factor': 'none' }))).join('\n')
  expect(none).toContain(`\tuser\tactive\t${plain.email}`)
  expect(none).toContain(`\tadmin\tactive\t${boss.email}`)
  expect(none).not.toContain(user.email)
  const some = await linesOf(listUsers(server.app, { 'second-factor': 'some', role: 'user', state: 'active' }))
  expect(some).toContain(`${user.id}\tuser\tactive\t${user.email}`)
  expect(some.join()).not.toContain(plain.email)
  expect(await linesOf(listUsers(server.app, { 'second-factor': 'some', role: 'admin' }))).toEqual([])
})

test('a user who is locked by wrong codes is unlocked', async () => {
  const user = await enrol(server)
  const stepUp = (code: string) => server.post('/v1/auth/step-up', { method: 'totp', code }, user.bearer)
  for (let failures = 0; failures < 10; failures++) await stepUp(wrongCodeOf(user.secret))
  expect(await stepUp(codeOf(user.secret))).toMatchObject({ body: { code: 'locked' } })
  const lines = await linesOf(unlockNamedUser(server.app, { email: user.email }))
  expect(lines).toEqual([`Unlocked ${user.email} for all addresses and devices.`])
  expect((await stepUp(codeOf(user.secret))).status).toBe(200)
  await expect.poll(() => eventsOf(user)).toContain('authz_admin: unlock by the admin command')
})

test.each([
  [{}, 'Name the user with either --email EMAIL or --id ID.'],
  [{ email: 'a@example.com', id: 'x' }, 'Name the user with either --email EMAIL or --id ID.'],
  [{ email: 'unknown@example.com' }, 'There is no user with the email "unknown@example.com".'],
  [{ email: '' }, 'There is no user with the email "".'],
  [{ id: '000000000000000000000000' }, 'The user does not exist.'],
])('a command on the user %j is refused: %s', async (options, message) => {
  await expect(linesOf(unlockNamedUser(server.app, options))).rejects.toThrow(message)
  await expect(linesOf(resetFactorsOfNamedUser(server.app, options))).rejects.toThrow(message)
  await expect(linesOf(claimsOfNamedUser(server.app, options))).rejects.toThrow(message)
})

test('the program changes roles and claims as the API does, and lists them', { timeout: 240_000 }, async () => {
  const { email } = await logIn(server)
  const change = [
    ...['--add-role', 'orders.approver', '--add-role', 'auditor'],
    ...['--set-claim', 'department=sales', '--set-claim', 'level=3', '--set-claim', 'groups=["a","b"]'],
  ]
  const { code, output } = await admin(['claims', '--email', email, ...change])
  const lines = [
    'role\torders.approver',
    'role\tauditor',
    'claim\tdepartment\t"sales"',
    'claim\tlevel\t3',
    'claim\tgroups\t["a","b"]',
  ]
  expect({ code, output }).toEqual({ code: 0, output: `${lines.join('\n')}\n` })
  expect(await linesOf(claimsOfNamedUser(server.app, { email }))).toEqual(lines)
  const user = await server.app.users.findByEmail(parseEmail(email))
  const id = String(user?._id)
  const { bearer } = await logInAsAdmin(server)
  expect((await server.get(`/v1/admin/users/${id}/claims`, bearer)).body).toMatchObject({
    roles: ['orders.approver', 'auditor'],
    claims: { department: 'sales', level: 3, groups: ['a', 'b'] },
  })
  // The primary has written them; the majority reads them.
  await expect
    .poll(() => eventsOf({ id }))
    .toContain('authz_change: roles +orders.approver +auditor, claims department level groups by the admin command')

  const options = { id, 'remove-role': ['auditor', 'unknown'], 'set-claim': ['level=a=b'], 'remove-claim': ['groups'] }
  expect(await linesOf(claimsOfNamedUser(server.app, options))).toEqual([
    'role\torders.approver',
    'claim\tdepartment\t"sales"',
    'claim\tlevel\t"a=b"',
  ])
})

test('two changes of the roles of a user at once are both made', async () => {
  const { email } = await logIn(server)
  const roles = ['a', 'b', 'c', 'd']
  await Promise.all(roles.map((role) => linesOf(claimsOfNamedUser(server.app, { email, 'add-role': [role] }))))
  const lines = await linesOf(claimsOfNamedUser(server.app, { email }))
  expect(lines.sort()).toEqual(roles.map((role) => `role\t${role}`))
})

test.each([
  [{ 'add-role': ['orders approver'] }, 'Nothing was changed: a user has at most 20 roles'],
  [{ 'add-role': ['admin'] }, 'Nothing was changed: admin is the role of an account'],
  [{ 'set-claim': ['sub=x'] }, 'Nothing was changed: sub is a registered or reserved claim'],
  [{ 'set-claim': ['department={"a":1}'] }, 'Nothing was changed: a user has at most 20 claims.'],
  [{ 'set-claim': ['department'] }, '--set-claim is "department"; expected: NAME=VALUE.'],
])('the change %j of roles and claims is refused: %s', async (change, message) => {
  const { email } = await logIn(server)
  await expect(linesOf(claimsOfNamedUser(server.app, { email, ...change }))).rejects.toThrow(message)
  expect(await linesOf(claimsOfNamedUser(server.app, { email }))).toEqual([])
})

test('a filter of users that does not exist is refused', async () => {
  const many = linesOf(listUsers(server.app, { 'second-factor': 'many' }))
  await expect(many).rejects.toThrow('--second-factor is "many"; expected: none or some.')
})

/** Servers of one database, whose keys of second factors are in a file. `start` starts one that knows the written keys. */
async function withKeyFile(kids: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'authservice-admin-keys-'))
  const file = join(folder, 'keys.json')
  const keys = kids.map((kid, index) => {
    const activateAt = `2026-0${index + 1}-01T00:00:00Z`
    return { kid, key: randomBytes(32).toString('base64url'), createdAt: activateAt, activateAt }
  })
  const write = (names: readonly string[]) =>
    writeFile(file, JSON.stringify({ version: 1, keys: keys.filter(({ kid }) => names.includes(kid)) }))
  const { MFA_SECRET: _, ...environment } = mfaEnvironment
  const databaseName = freshDatabase()
  const start = async () => {
    const app = await startApp({ ...environment, MFA_KEYS_FILE: file, DATABASE_NAME: databaseName })
    onTestFinished(() => app.close())
    return app
  }
  onTestFinished(() => rm(folder, { recursive: true }))
  return { write, start }
}

test('secrets are encrypted with the newest key, and then an older key can be removed', async () => {
  const { write, start } = await withKeyFile(['old', 'new'])
  await write(['old'])
  const before = await start()
  const users = [await enrol(before), await enrol(before), await enrol(before)]
  const pending = await logIn(before)
  await before.post('/v1/me/mfa/totp', { current_password: password, name: 'Phone' }, pending.bearer)
  expect(await linesOf(reencryptFactors(before.app))).toEqual([
    'Encrypted 0 secrets with the newest key.',
    'Key old: 3 secrets, 1 pending enrolment. It is the newest active key.',
  ])

  await write(['old', 'new'])
  const both = await start()
  expect(await linesOf(reencryptFactors(both.app))).toEqual([
    'Encrypted 3 secrets with the newest key.',
    'Key old: 0 secrets, 1 pending enrolment. Keep it until they are confirmed or have expired.',
    'Key new: 3 secrets, 0 pending enrolments. It is the newest active key.',
  ])
  await both.app.mongo.db.collection('mfa_challenges').deleteMany({})
  expect(await linesOf(reencryptFactors(both.app))).toContain(
    'Key old: 0 secrets, 0 pending enrolments. It can be removed.',
  )

  await write(['new'])
  const after = await start()
  for (const user of users) {
    expect((await secondStep(after, await firstStep(after, user), codeOf(user.secret))).status).toBe(200)
  }
})

test('a secret whose key is missing stays as it is, and its user is named', async () => {
  const { write, start } = await withKeyFile(['lost', 'new'])
  await write(['lost'])
  const before = await start()
  const user = await enrol(before)
  const stored = await before.app.mfa.factors.find(user.id)
  await write(['new'])
  const after = await start()
  const lines: string[] = []
  const run = async () => {
    for await (const line of reencryptFactors(after.app)) lines.push(line)
  }
  await expect(run()).rejects.toThrow(
    `1 secret cannot be decrypted. Restore the missing key, or reset the factors of these users: ${user.id}`,
  )
  expect(lines).toContain('Key lost: 1 secret, 0 pending enrolments. It is not in the key set.')
  expect(await after.app.mfa.factors.find(user.id)).toEqual(stored)
})

test('secrets are encrypted again while servers use and remove them, and none is lost', async () => {
  const { write, start } = await withKeyFile(['old', 'new'])
  await write(['old'])
  const old = await start()
  const users: Enrolled[] = []
  while (users.length < 8) users.push(await enrol(old))
  const [removed, ...kept] = users
  if (removed === undefined) throw new Error('no user')
  await write(['old', 'new'])
  const both = await start()
  // After the secret of the first user was read, and before it is replaced.
  const reseal = both.app.mfa.factors.reseal.bind(both.app.mfa.factors)
  using resealing = vi.spyOn(both.app.mfa.factors, 'reseal').mockImplementationOnce(async (id, ...resealed) => {
    await old.app.mfa.factors.useStep(id, users[0]?.factorId ?? '', Math.floor(Date.now() / 30_000) - 5, new Date())
    await both.delete(`/v1/me/mfa/factors/${removed.factorId}`, removed.bearer)
    return reseal(id, ...resealed)
  })
  const use = async (at: AppForTest, user: Enrolled) =>
    (await secondStep(at, await firstStep(at, user), codeOf(user.secret))).status
  const [lines, ...statuses] = await Promise.all([
    linesOf(reencryptFactors(both.app)),
    ...kept.map((user, index) => use(index % 2 === 0 ? old : both, user)),
  ])
  expect(resealing).toHaveBeenCalled()
  expect(statuses).toEqual(kept.map(() => 200))
  expect(lines).toContain('Key old: 0 secrets, 0 pending enrolments. It can be removed.')
  expect(await both.app.mfa.factors.find(removed.id)).toBeNull()
  for (const user of kept) await forgetUsedCodes(both, user)
  for (const user of kept) expect(await use(both, user)).toBe(200)
})

test('without second factors there is nothing to encrypt, and the command says so', async () => {
  const off = await startApp()
  onTestFinished(() => off.close())
  await expect(linesOf(reencryptFactors(off.app))).rejects.toThrow('Second factors are off (MFA_MODE)')
})
