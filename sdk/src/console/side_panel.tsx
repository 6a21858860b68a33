/** The frame of what stands beside the stage; on a phone it lies over it. */
import type { ComponentChildren } from "preact";
import { IconButton } from "./parts";

interface SidePanelProps {
	title: string;
	testId: string;
	onClose: () => void;
	children: ComponentChildren;
}

export function SidePanel({ title, testId, onClose, children }: SidePanelProps) {
	return (
		<aside
			class="side"
			aria-label={title}
			data-testid={testId}
			onKeyDown={(event) => {
				if (event.key === "Escape") onClose();
			}}
		>
			<header>
				<h2>{title}</h2>
				<IconButton icon="close" label={`Close ${title.toLowerCase()}`} testId={`${testId}-close`} onClick={onClose} />
			</header>
			{children}
		</aside>
	);
}
