import { NativeSelect } from '@mantine/core';
import type { ReactElement } from 'react';
import { chooseLanguage } from './language-choice.ts';
import { language, texts } from './texts.ts';
import { LANGUAGES, type Language } from './texts/language.ts';

export function LanguageSwitch(): ReactElement {
  return (
    <NativeSelect
      aria-label={texts.nav.language}
      size="xs"
      w={96}
      value={language}
      data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
      onChange={(event) => chooseLanguage(event.currentTarget.value as Language)}
    />
  );
}
