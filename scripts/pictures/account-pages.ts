import { addFactorPage, createPasskeyPage, factorPage, factorsPage } from '../../api-server/pages/account/factors.ts'
import { identitiesPage, linkPage } from '../../api-server/pages/account/identities.ts'
import { type AccountView, sections } from '../../api-server/pages/account/layout.ts'
import {
  deletePage,
  loggedOutEverywherePage,
  passwordPage,
  profilePage,
} from '../../api-server/pages/account/profile.ts'
import { sessionsPage } from '../../api-server/pages/account/sessions.ts'
import { stepUpPage } from '../../api-server/pages/account/step-up.ts'
import {
  forgotPage,
  linkRefusedPage,
  linkUsedPage,
  mailedPage,
  registerPage,
  resetPage,
  verifyPage,
} from '../../api-server/pages/account-access.ts'
import { enrolPage, recoveryCodesPage, totpPage } from '../../api-server/pages/enrolment.ts'
import type { PageContext } from '../../api-server/pages/pages.ts'
import type { CreationOptions } from '../../api-server/plugins/app/passkeys/options.ts'

const path = '/oauth/interaction/example'
const at = new Date('2026-11-30T09:00:00Z')
const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'

const passkeyOptions: CreationOptions = {
  challenge: 'example',
  rp: { id: 'example.com', name: 'Example' },
  user: { id: 'example', name: 'mina@example.com', displayName: 'Mina' },
  pubKeyCredParams: [],
  timeout: 60_000,
  attestation: 'none',
  excludeCredentials: [],
  authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
}

/** The pages of an account, and those that lead to one. @param name of a user, a device and an application */
export function accountPages(context: PageContext, email: string, name: string): Readonly<Record<string, string>> {
  const { t } = context
  const view: AccountView = { context, base: '/account', logout: '/oauth/logout', xsrf: 'example', sections }
  const factor = { id: '1', type: 'totp', name, createdAt: at, lastUsedAt: at } as const
  const session = { device: name, address: '2001:db8:85a3:1234:5678:8a2e:370:7334', createdAt: at, lastUsedAt: at }
  const provider = { id: 'google', name: 'Google' }
  const identity = { id: '1', name: 'Google', email, createdAt: at, lastUsedAt: at }
  const wrong = (field: string) => ({ message: t('problem.password_common'), field })
  return {
    forgot: forgotPage(context, { action: `${path}/forgot`, back: path, email, problem: undefined }),
    mailed: mailedPage(context, { kind: 'reset', email, back: path }),
    register: registerPage(context, { path, email, name, minLength: 12, problem: undefined }),
    'register-problem': registerPage(context, { path, email, name, minLength: 12, problem: wrong('password') }),
    reset: resetPage(context, { action: '/account/reset', token: 'example', minLength: 12, problem: undefined }),
    verify: verifyPage(context, { action: '/account/verify', token: 'example', problem: undefined }),
    'link-used': linkUsedPage(context, { kind: 'reset', next: path }),
    'link-refused': linkRefusedPage(context, {
      kind: 'verify',
      problem: { message: t('problem.one_time_token_invalid') },
      another: path,
    }),
    enrol: enrolPage(context, { path, enrolmentToken: 'example', types: ['totp', 'passkey'] }),
    totp: totpPage(context, { action: `${path}/enrol`, hidden: {}, secret, otpauthUrl: `otpauth://totp/${secret}` }),
    'recovery-codes': recoveryCodesPage(context, { codes: Array(10).fill('abcd-efgh-ijkl'), next: path }),
    profile: profilePage(
      view,
      { name, email, isEmailVerified: false, pendingEmail: email, newEmail: undefined, hasMail: true },
      {},
    ),
    password: passwordPage(view, { minLength: 12 }, {}),
    'password-problem': passwordPage(view, { minLength: 12 }, { problem: wrong('current_password') }),
    factors: factorsPage(
      view,
      { factors: [factor, factor], recoveryCodesLeft: 8, types: ['totp', 'passkey'] },
      { done: 'done.added' },
    ),
    factor: factorPage(view, factor, {}),
    'add-factor': addFactorPage(view, { type: 'passkey', name: undefined }, {}),
    identities: identitiesPage(
      view,
      { identities: [identity, { ...identity, name, email: undefined }], providers: [provider, { id: 'corp', name }] },
      { done: 'done.linked' },
    ),
    'link-identity': linkPage(view, { provider, needsPassword: true }, {}),
    'link-identity-problem': linkPage(
      view,
      { provider: { ...provider, name }, needsPassword: true },
      { problem: wrong('current_password') },
    ),
    'create-passkey': createPasskeyPage(view, { name, options: passkeyOptions }),
    sessions: sessionsPage(
      view,
      [
        { ...session, id: '1', clientName: undefined, isCurrent: true },
        { ...session, id: '2', clientName: name, isCurrent: false },
      ],
      {},
    ),
    'step-up': stepUpPage(view, { section: 'factors' }, {}),
    delete: deletePage(view, {}),
    'logged-out-everywhere': loggedOutEverywherePage(context, {
      title: 'factors.removedTitle',
      text: 'factors.removed',
      next: '/account',
    }),
  }
}
