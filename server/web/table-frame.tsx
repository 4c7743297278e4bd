import { Paper, Table } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';

export interface Column {
  /** Also of a column without a visible head: screen readers say it. */
  readonly label: string;
  /** In place of the label, where it is more than text. */
  readonly head?: ReactNode;
  readonly isHeadless?: boolean;
  readonly w?: number | string;
  /** Left out on a telephone; its cells need `visibleFrom="sm"`. */
  readonly isWide?: boolean;
  readonly isRight?: boolean;
}

/** The frame of every table: a border, the heads of its columns, and room to scroll sideways where the window is too narrow. */
export function TableFrame(props: {
  readonly columns: readonly Column[];
  /** Rows. */
  readonly children: ReactNode;
  /** Pixels below which it scrolls. */
  readonly minWidth?: number;
  /** Widths are those of the columns, and long texts are cut. */
  readonly isFixed?: boolean;
}): ReactElement {
  const { columns, children, minWidth = 720, isFixed = false } = props;
  return (
    <Paper withBorder>
      <Table.ScrollContainer minWidth={minWidth}>
        <Table
          verticalSpacing="sm"
          horizontalSpacing="md"
          highlightOnHover
          {...(isFixed ? { layout: 'fixed' } : {})}
        >
          <Table.Thead>
            <Table.Tr>
              {columns.map((column) => (
                <Table.Th
                  key={column.label}
                  {...(column.w === undefined ? {} : { w: column.w })}
                  {...(column.isWide === true ? { visibleFrom: 'sm' } : {})}
                  {...(column.isRight === true ? { ta: 'right' } : {})}
                  {...(column.isHeadless === true ? { 'aria-label': column.label } : {})}
                >
                  {column.isHeadless === true ? null : (column.head ?? column.label)}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>{children}</Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}
