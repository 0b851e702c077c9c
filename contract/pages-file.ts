import Type, { type Static } from 'typebox'
import Value from 'typebox/value'
import { parseJson } from './parse-file.ts'

/** The languages of the hosted pages by their tag (BCP 47), in the order in which pages offer them. */
export const pageLanguages = ['en', 'de', 'es', 'fr', 'ja', 'ar'] as const
export type PageLanguage = (typeof pageLanguages)[number]

/** An image in the file itself: pages load nothing from elsewhere. Decision 80. */
export const logoPattern = '^data:image/(png|svg[+]xml|webp|jpeg);base64,[A-Za-z0-9+/]+={0,2}$'
/** 16 KiB as base64, with the prefix. */
export const maxLogoCharacters = 21_900

export const colorPattern = '^#[0-9a-fA-F]{6}$'
export const linkPattern = '^(https://|mailto:)[^\\s]+$'
export const maxLinkCharacters = 1_024
export const maxNameCharacters = 60
const textKeyPattern = '^[a-zA-Z_]+[.][a-zA-Z_]+$'
export const maxTextCharacters = 500
/** Texts that replace those of one language. */
export const maxTexts = 100

const strict = { additionalProperties: false }
const Logo = Type.String({ maxLength: maxLogoCharacters, pattern: logoPattern })
const Color = Type.String({ pattern: colorPattern })
const Link = Type.String({ maxLength: maxLinkCharacters, pattern: linkPattern })
const Texts = Type.Record(
  Type.String({ pattern: textKeyPattern }),
  Type.String({ minLength: 1, maxLength: maxTextCharacters }),
  { maxProperties: maxTexts },
)

/** The look of the hosted pages, and texts that replace those of a language. Every part has a default. */
const PagesFileSchema = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: maxNameCharacters })),
    logo: Type.Optional(Type.Object({ light: Logo, dark: Type.Optional(Logo) }, strict)),
    colors: Type.Optional(Type.Object({ light: Type.Optional(Color), dark: Type.Optional(Color) }, strict)),
    links: Type.Optional(
      Type.Object({ privacy: Type.Optional(Link), terms: Type.Optional(Link), help: Type.Optional(Link) }, strict),
    ),
    /** Those that pages offer; the first one is the default. */
    languages: Type.Optional(
      Type.Array(Type.Enum([...pageLanguages]), { minItems: 1, maxItems: pageLanguages.length, uniqueItems: true }),
    ),
    texts: Type.Optional(
      Type.Object(Object.fromEntries(pageLanguages.map((tag) => [tag, Type.Optional(Texts)])), strict),
    ),
  },
  strict,
)

type PagesFileFields = Static<typeof PagesFileSchema>
export type PagesFile = Omit<PagesFileFields, 'texts'> & {
  texts?: Partial<Record<PageLanguage, Record<string, string>>>
}

/** Colours that text and links stand on, in each scheme. */
export const pageBackgrounds = {
  light: { page: '#f3f4f6', card: '#ffffff' },
  dark: { page: '#0f1216', card: '#181c22' },
} as const

/** Of text. WCAG 2.2, success criterion 1.4.3. */
const minContrast = 4.5

/** `problems` continue "the pages cannot be used: ". */
export type ParsedPages = { kind: 'valid'; file: PagesFile } | { kind: 'corrupt'; problems: string[] }

/**
 * Parses a file of the look of the pages.
 * @param placeholders of each text of the pages by its key, in English
 */
export function parsePagesFile(text: string, placeholders: ReadonlyMap<string, readonly string[]>): ParsedPages {
  const json = parseJson(text)
  if (json === undefined) return { kind: 'corrupt', problems: ['it is not JSON'] }
  if (!Value.Check(PagesFileSchema, json)) {
    const faults = Value.Errors(PagesFileSchema, json).map(
      ({ instancePath, message }) => `${instancePath || 'the whole'} ${message}`,
    )
    return { kind: 'corrupt', problems: [...new Set(faults)] }
  }
  // The schema is built from the list of languages, so its type has no names.
  const file = json as PagesFile
  const problems = [...colorProblems(file), ...textProblems(file, placeholders)]
  return problems.length === 0 ? { kind: 'valid', file } : { kind: 'corrupt', problems }
}

/** Why colours cannot be read on the pages. */
export function colorProblems({ colors }: Pick<PagesFile, 'colors'>): string[] {
  return (['light', 'dark'] as const).flatMap((scheme) => {
    const color = colors?.[scheme]
    if (color === undefined) return []
    const ratio = Math.min(...Object.values(pageBackgrounds[scheme]).map((back) => contrastOf(color, back)))
    if (ratio >= minContrast) return []
    const other = scheme === 'light' ? 'darker' : 'lighter'
    return [
      `/colors/${scheme}: ${color} is hard to read on a ${scheme} page (contrast ${ratio.toFixed(1)}, at least ${minContrast} is needed): choose a ${other} colour`,
    ]
  })
}

function textProblems({ texts = {} }: PagesFile, placeholders: ReadonlyMap<string, readonly string[]>): string[] {
  return Object.entries(texts).flatMap(([language, replaced]) =>
    Object.entries(replaced).flatMap(([key, text]) => {
      const known = placeholders.get(key)
      if (known === undefined) return [`/texts/${language}/${key}: the pages have no text of this name`]
      return placeholdersOf(text)
        .filter((name) => !known.includes(name))
        .map((name) => {
          const some = known.length === 0 ? 'none' : `only ${known.map((each) => `{${each}}`).join(', ')}`
          return `/texts/${language}/${key}: this text has no placeholder {${name}}, ${some}`
        })
    }),
  )
}

/** The names of the placeholders of a text, sorted: `{client}` is one. */
export function placeholdersOf(text: string): string[] {
  return [...text.matchAll(placeholder)].map(([, name = '']) => name).sort()
}

export const placeholder = /\{(\w+)\}/g

/** The contrast ratio of two colours, 1 to 21. @param one `#rrggbb` @see https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
export function contrastOf(one: string, other: string): number {
  const [lighter = 0, darker = 0] = [luminance(one), luminance(other)].sort((first, second) => second - first)
  return (lighter + 0.05) / (darker + 0.05)
}

/** @see https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const share = Number.parseInt(color.slice(start, start + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
