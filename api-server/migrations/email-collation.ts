/** Email addresses are compared without regard to case. */
export const emailCollation = { locale: 'en', strength: 2 } as const
