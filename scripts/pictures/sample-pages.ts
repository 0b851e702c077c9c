import { type Brand, plainBrand } from '../../api-server/pages/brand.ts'
import { deviceCodePage, deviceConfirmPage, deviceDonePage } from '../../api-server/pages/device.ts'
import { errorPage } from '../../api-server/pages/error.ts'
import { codePage, consentPage, emailPage, loginPage, toProviderPage } from '../../api-server/pages/login.ts'
import { loggedOutPage, logoutPage } from '../../api-server/pages/logout.ts'
import { languages, translator } from '../../api-server/pages/messages.ts'
import type { PageContext } from '../../api-server/pages/pages.ts'
import { durationOf } from '../../api-server/pages/problem-message.ts'
import { styleOf } from '../../api-server/pages/style.ts'
import { type PageLanguage, pageLanguages } from '../../contract/pages-file.ts'
import { accountPages } from './account-pages.ts'

/** Pages to look at, and for tests of how they look. */
export function samplePages(context: PageContext, client: string): Readonly<Record<string, string>> {
  const { t, language } = context
  const path = '/oauth/interaction/example'
  const email = client === shortName ? 'mina@example.com' : `${'long'.repeat(15)}@${'example-'.repeat(6)}.example.com`
  const device = { action: '/oauth/device', xsrf: 'example' }
  const scopes = ['openid', 'profile', 'email', 'offline_access']
  const resources = [
    { uri: 'https://orders.example.com', scopes: ['orders:read', 'orders:write'] },
    ...(client === shortName
      ? []
      : [
          {
            uri: `https://api.example.com/${'path'.repeat(40)}`,
            scopes: Array(10).fill('https://scope.example.com/all'),
          },
          { uri: 'https://stock.example.com', scopes: [] },
        ]),
  ]
  const wrong = { message: t('problem.invalid_credentials'), field: 'email' }
  const form = '<form id="op.logoutForm" method="post" action="/oauth/logout/confirm"></form>'
  const providers = [{ id: 'google', name: 'Google' }]
  const login = { path, clientName: client, mayReset: true, mayRegister: true, providers, linkTo: undefined }
  return {
    ...accountPages(context, email, client),
    login: loginPage(context, { ...login, email: undefined, problem: undefined }),
    'login-problem': loginPage(context, { ...login, email, problem: wrong }),
    'login-locked': loginPage(context, {
      ...login,
      email,
      problem: { message: t('problem.locked', { wait: durationOf(290, language) }) },
    }),
    'login-email': emailPage(context, { path, clientName: client, email, providers }),
    'link-account': loginPage(context, { ...login, email, problem: undefined, linkTo: 'Google' }),
    'to-provider': toProviderPage(context, { href: path, name: 'Google', title: 'login.title' }),
    code: codePage(context, { path, mfaToken: 'example', problem: undefined }),
    'code-problem': codePage(context, {
      path,
      mfaToken: undefined,
      problem: { message: t('problem.mfa_code_wrong'), field: 'code' },
    }),
    consent: consentPage(context, { path, clientName: client, scopes, claims: [], resources }),
    device: deviceCodePage(context, { ...device, problem: undefined }),
    'device-problem': deviceCodePage(context, {
      ...device,
      problem: { message: t('device.codeWrong'), field: 'user_code' },
    }),
    'device-confirm': deviceConfirmPage(context, { ...device, userCode: 'BCDF-GHJK', clientName: client }),
    'device-done': deviceDonePage(context),
    logout: logoutPage(context, { form, clientName: client }),
    'logged-out': loggedOutPage(context),
    error: errorPage(context, {
      code: 'invalid_redirect_uri',
      message: t('oauth.invalid_redirect_uri'),
      details: 'redirect_uri did not match any of the registered redirect_uris of the client',
    }),
  }
}

/** Pages of which docs/pages.md has a picture: all but those that differ only in what they say is wrong. */
export function picturedPages(): string[] {
  return Object.keys(samplePages(sampleContext('en'), shortName)).filter((name) => !/-(problem|locked)$/.test(name))
}

export const shortName = 'Shop'
/** As long as names of clients may be, once in words and once without a space. */
export const longNames = ['Accounts and receivables '.repeat(4), 'W'.repeat(100)].map((name) => name.slice(0, 100))

/** A context without a request. */
export function sampleContext(language: PageLanguage, brand: Brand = sampleBrand): PageContext {
  return {
    language,
    t: translator(language, brand.texts[language]),
    brand,
    style: styleOf(brand),
    script: '/oauth/passkeys.js',
    choices: pageLanguages
      .filter((tag) => tag !== language)
      .map((tag) => ({ language: tag, name: languages[tag].name, href: `/oauth/language?language=${tag}` })),
  }
}

const logo = (color: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 142 48"><rect width="48" height="48" rx="12" fill="${color}"/><path d="M14 34 24 12l10 22M18 27h12" fill="none" stroke="#fff" stroke-width="4"/><text x="60" y="34" font-family="sans-serif" font-size="28" font-weight="700" fill="${color}">Acme</text></svg>`
const dataUri = (svg: string) => `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`

export const sampleBrand: Brand = {
  ...plainBrand,
  name: 'Acme',
  logo: { light: dataUri(logo('#0f766e')), dark: dataUri(logo('#14b8a6')) },
  accent: { light: '#0f766e', dark: '#5eead4' },
  links: {
    privacy: 'https://example.com/privacy',
    terms: 'https://example.com/terms',
    help: 'https://example.com/help',
  },
}
