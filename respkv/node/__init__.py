"""asyncio begins here: connections, the loop side of a replica, the composition root."""
