import { describe, expect, it } from 'vitest';
import { isAutoSubmitted } from './auto-submitted.ts';

describe('isAutoSubmitted', () => {
  it.each([
    ['Auto-Submitted', 'auto-replied'],
    ['auto-submitted', 'Auto-Generated; owner-email="me@x.example"'],
    ['Auto-Submitted', '(really) auto-notified'],
    ['Precedence', 'bulk'],
    ['PRECEDENCE', ' Junk '],
    ['Precedence', 'list'],
    ['Precedence', 'auto_reply'],
    ['Return-Path', '<>'],
    ['X-Autoreply', 'yes'],
    ['X-Autorespond', ''],
    ['Content-Type', 'multipart/report; boundary=b; report-type="delivery-status"'],
  ])('is true for %s: %s', (name, value) => {
    expect(
      isAutoSubmitted([
        { name: 'Subject', value: 'x' },
        { name, value },
      ]),
    ).toBe(true);
  });

  it.each([
    ['Auto-Submitted', 'no'],
    ['Auto-Submitted', 'No (a person wrote this)'],
    ['Auto-Submitted', ''],
    ['Precedence', 'first-class'],
    ['Return-Path', '<bounce@x.example>'],
    ['X-Auto-Response-Suppress', 'All'],
    ['List-Id', '<list.x.example>'],
    ['List-Unsubscribe', '<mailto:u@x.example>'],
    ['X-Autoreply', 'no'],
    ['Content-Type', 'multipart/report; report-type=other'],
    ['Subject', 'Auto-Submitted: auto-replied'],
  ])('is false for %s: %s', (name, value) => {
    expect(isAutoSubmitted([{ name, value }])).toBe(false);
  });
});
