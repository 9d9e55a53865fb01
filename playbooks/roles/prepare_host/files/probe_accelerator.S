# The boot sector of probe_accelerator.py: turns on 64-bit paging as every modern guest does, works, then answers.
# Build:  as -o probe.o probe_accelerator.S && ld -Ttext 0x7c00 --oformat binary -o probe.bin probe.o
    .code16
    .globl _start
_start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movl $0x1000, %edi            # three empty page tables at 0x1000
    movl $0xc00, %ecx
    xorl %eax, %eax
    cld
    rep stosl %eax, %es:(%edi)
    movl $0x2003, 0x1000
    movl $0x3003, 0x2000
    movl $0x83, 0x3000            # the first 2 MiB as one page
    movl $0x1000, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x20, %eax               # PAE
    movl %eax, %cr4
    movl $0xc0000080, %ecx        # EFER: long mode
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl %cr0, %eax
    orl $0x80000001, %eax         # paging and protection
    movl %eax, %cr0
    lgdtw gdt_pointer
    ljmpw $0x08, $in_long_mode
    .code64
in_long_mode:
    movl $100000000, %ecx         # a tenth of a second of work on a processor, for ever in an emulation of one
count:
    decl %ecx
    jnz count
    movl $5000, %ecx              # and as many visits to the hypervisor as a small kernel makes while it boots
visit:
    outb %al, $0x80
    decl %ecx
    jnz visit
    movb $0x15, %al
    movw $0xf4, %dx
    outb %al, %dx                 # ends QEMU with (0x15 << 1) | 1
stay:
    hlt
    jmp stay
    .balign 8
gdt:
    .quad 0, 0x00209a0000000000
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long gdt
