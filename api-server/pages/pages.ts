import type { IncomingMessage } from 'node:http'
import type { PageLanguage } from '@authservice-operator/contract/pages-file.ts'
import { type Brand, plainBrand } from './brand.ts'
import { languages, type Translate, translator } from './messages.ts'
import { negotiateLanguage } from './negotiate.ts'
import { styleOf } from './style.ts'

/** What pages and mails in one language are written with. */
export interface LocalTexts {
  language: PageLanguage
  t: Translate
  brand: Brand
}

/** What every page needs to be shown to one user. */
export interface PageContext extends LocalTexts {
  /** CSS of the page. */
  style: string
  /** One link for each other language that is offered. */
  choices: readonly LanguageChoice[]
  /** The path of the script for passkeys; undefined: the page runs none. */
  script?: string
}

interface LanguageChoice {
  language: PageLanguage
  /** In the language itself. */
  name: string
  /** Where a GET remembers the choice and shows the page again. */
  href: string
}

/** What a page knows about itself. */
interface AskedPage {
  /** The parameter `ui_locales` of the application. */
  uiLocales?: string | undefined
  /**
   * Path and query where a GET shows the page again in another language. By default, those of a GET; the answer to a
   * POST then offers no other language.
   */
  here?: string | undefined
}

/** The path below the issuer where a choice of the language is remembered. */
export const languagePath = '/oauth/language'

/** The look and the languages of the pages of one server. */
export class Pages {
  readonly #issuer: string
  readonly #parseCookie: (header: string) => Record<string, string | undefined>
  /** The name of the cookie with the language that the user chose. */
  readonly languageCookie: string
  #brand: Brand = plainBrand
  #style = styleOf(plainBrand)

  constructor(issuer: string, parseCookie: (header: string) => Record<string, string | undefined>) {
    this.#issuer = issuer
    this.#parseCookie = parseCookie
    // RFC 6265bis section 4.1.3.2.
    this.languageCookie = issuer.startsWith('https:') ? '__Host-language' : 'language'
  }

  /** Shows all later pages with another brand. */
  replaceBrand(brand: Brand): void {
    this.#brand = brand
    this.#style = styleOf(brand)
  }

  /** Whether users may choose the language. @param tag any text */
  offers(tag: string): boolean {
    return this.#brand.languages.some((offered) => offered === tag)
  }

  /** The language in which a user gets what nobody has asked for in another one. */
  get defaultLanguage(): PageLanguage {
    return this.#brand.languages[0]
  }

  /** The language of the page for a request, and of the mails that it causes. Decision 80. */
  languageOf({ headers }: Pick<IncomingMessage, 'headers'>, uiLocales: string | undefined): PageLanguage {
    const choice = this.#parseCookie(headers.cookie ?? '')[this.languageCookie]
    const acceptLanguage = headers['accept-language']
    return negotiateLanguage({ choice, uiLocales, acceptLanguage }, this.#brand.languages)
  }

  /** What pages and mails in a language are written with. */
  textsIn(language: PageLanguage): LocalTexts {
    return { language, t: translator(language, this.#brand.texts[language]), brand: this.#brand }
  }

  /** What the page for a request needs. @param raw a request of Node: both Fastify and the library of the provider have one */
  contextOf(raw: IncomingMessage, { uiLocales, here }: AskedPage = {}): PageContext {
    const { method, url = '' } = raw
    const language = this.languageOf(raw, uiLocales)
    const prefix = new URL(this.#issuer).pathname.replace(/\/$/, '')
    return {
      ...this.textsIn(language),
      style: this.#style,
      choices: choicesOf(
        this.#brand.languages.filter((each) => each !== language),
        prefix,
        here ?? (method === 'GET' ? `${prefix}${url}` : undefined),
      ),
    }
  }
}

function choicesOf(others: readonly PageLanguage[], prefix: string, here: string | undefined): LanguageChoice[] {
  if (here === undefined) return []
  return others.map((language) => {
    const query = new URLSearchParams({ language, to: here })
    return { language, name: languages[language].name, href: `${prefix}${languagePath}?${query}` }
  })
}
