import { type PageLanguage, placeholder, placeholdersOf } from '@authservice-operator/contract/pages-file.ts'
import ar from './messages/ar.json' with { type: 'json' }
import de from './messages/de.json' with { type: 'json' }
import en from './messages/en.json' with { type: 'json' }
import es from './messages/es.json' with { type: 'json' }
import fr from './messages/fr.json' with { type: 'json' }
import ja from './messages/ja.json' with { type: 'json' }

/** The name of a text of the pages, such as `login.title`. */
export type MessageKey = keyof typeof en

/** The texts of one language. A text that is missing is shown in English. */
export type Messages = Partial<Record<MessageKey, string>>

interface LanguageOfPages {
  /** In the language itself. */
  name: string
  direction: 'ltr' | 'rtl'
  messages: Messages
}

/** The languages of the pages by their tag (BCP 47). */
export const languages = {
  en: { name: 'English', direction: 'ltr', messages: en },
  de: { name: 'Deutsch', direction: 'ltr', messages: de },
  es: { name: 'Español', direction: 'ltr', messages: es },
  fr: { name: 'Français', direction: 'ltr', messages: fr },
  ja: { name: '日本語', direction: 'ltr', messages: ja },
  ar: { name: 'العربية', direction: 'rtl', messages: ar },
} as const satisfies Record<PageLanguage, LanguageOfPages>

/** The placeholders of every text, such as `client` of `login.intro`. */
export const placeholdersOfTexts: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(en).map(([key, text]) => [key, placeholdersOf(text)]),
)

/** The text of a key in the language of the page. @param values by the names of its placeholders, such as `{client}` */
export type Translate = (key: MessageKey, values?: Readonly<Record<string, string>>) => string

/** @param replaced texts that take the place of those of the language */
export function translator(language: PageLanguage, replaced: Messages = {}): Translate {
  const { messages, direction }: LanguageOfPages = languages[language]
  return (key, values = {}) => {
    const text = replaced[key] ?? messages[key] ?? en[key]
    return text.replaceAll(placeholder, (whole, name: string) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined
      return value === undefined ? whole : isolated(value, direction)
    })
  }
}

/** Characters that change the direction of the text around them. Unicode Standard Annex 9, section 2. */
const directionMarks = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/

/** A value that cannot reorder the sentence around it, whatever its own direction is. */
function isolated(value: string, direction: 'ltr' | 'rtl'): string {
  const text = value.replaceAll(directionMarks, '')
  return direction === 'rtl' || rightToLeft.test(text) ? `\u2068${text}\u2069` : text
}
