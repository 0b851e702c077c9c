import {
  colorPattern,
  linkPattern,
  logoPattern,
  maxLinkCharacters,
  maxLogoCharacters,
  maxNameCharacters,
  maxTextCharacters,
  maxTexts,
  pageLanguages,
} from '@authservice-operator/contract/pages-file.ts'
import Type from 'typebox'
import { listAtomic, type Rule, text } from '../fields.ts'

const logo = (description: string, defaultText: string) =>
  Type.String({ maxLength: maxLogoCharacters, pattern: logoPattern, description, defaultText })

const color = (description: string) =>
  Type.String({ maxLength: 7, pattern: colorPattern, description, defaultText: 'blue' })

const link = (description: string) =>
  text(maxLinkCharacters, { pattern: linkPattern, description, defaultText: 'none' })

const TextsSchema = Type.Object(
  Object.fromEntries(
    pageLanguages.map((language) => [
      language,
      Type.Optional(
        Type.Unsafe<Record<string, string>>({
          type: 'object',
          maxProperties: maxTexts,
          additionalProperties: { type: 'string', minLength: 1, maxLength: maxTextCharacters },
          description: `Texts in \`${language}\` by their keys.`,
          defaultText: 'none',
        }),
      ),
    ]),
  ),
  { description: 'Texts that replace those of a language, by the keys of the server (docs/pages.md).' },
)

export const PagesSchema = Type.Object(
  {
    name: Type.Optional(
      text(maxNameCharacters, { description: 'Name of the service, in the title of each page.', defaultText: 'none' }),
    ),
    logo: Type.Optional(
      Type.Object(
        {
          light: logo('`data:` URI of a PNG, SVG, WebP or JPEG of at most 16 KiB.', 'none'),
          dark: Type.Optional(logo('The same for the dark scheme.', '`light`')),
        },
        { description: 'Logo at the top of each page.' },
      ),
    ),
    colors: Type.Optional(
      Type.Object(
        {
          light: Type.Optional(color('On light pages, `#rrggbb`. A contrast below 4.5 is not used.')),
          dark: Type.Optional(color('On dark pages, `#rrggbb`. A contrast below 4.5 is not used.')),
        },
        { description: 'Colours of buttons and links.' },
      ),
    ),
    links: Type.Optional(
      Type.Object(
        {
          privacy: Type.Optional(link('Privacy policy: `https:` or `mailto:`.')),
          terms: Type.Optional(link('Terms of use: `https:` or `mailto:`.')),
          help: Type.Optional(link('Help: `https:` or `mailto:`.')),
        },
        { description: 'Links at the end of each page.' },
      ),
    ),
    languages: Type.Optional(
      Type.Array(Type.Enum([...pageLanguages], { description: 'Tag of a language.' }), {
        ...listAtomic,
        minItems: 1,
        maxItems: pageLanguages.length,
        description: 'Languages that pages offer. The first one is the default.',
        defaultText: `\`[${pageLanguages.join(', ')}]\``,
        rules: [
          {
            rule: 'self.all(tag, self.exists_one(other, other == tag))',
            message: 'a language appears twice: write each of them once, the default first',
          },
        ],
      }),
    ),
    texts: Type.Optional(TextsSchema),
  },
  {
    description:
      'Brand and texts of the pages of the OpenID provider. Servers read them again when they change: no pod is replaced.',
  },
)

export const pagesRules: Rule[] = [
  {
    rule: '!has(self.pages) || self.?oidc.?enabled.orValue(false)',
    message: 'only an OpenID provider has pages: write oidc.enabled: true, or remove pages',
    fieldPath: '.pages',
  },
]
