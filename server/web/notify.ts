/** Short words at the edge of the screen. */
import { notifications } from '@mantine/notifications';
import type { ApiFailure } from './api.ts';

export function showDone(message: string): void {
  notifications.show({ message, color: 'teal' });
}

export function showFailure(failure: ApiFailure): void {
  const fields = failure.fields.map(({ message }) => message).join(' ');
  notifications.show({
    title: failure.message,
    message: fields === '' ? failure.hint : fields,
    color: 'red',
  });
}
