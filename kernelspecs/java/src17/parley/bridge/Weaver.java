package parley.bridge;

import java.util.HashSet;
import java.util.Set;
import java.util.function.UnaryOperator;
import jdk.internal.org.objectweb.asm.ClassReader;
import jdk.internal.org.objectweb.asm.ClassVisitor;
import jdk.internal.org.objectweb.asm.ClassWriter;
import jdk.internal.org.objectweb.asm.Label;
import jdk.internal.org.objectweb.asm.MethodVisitor;
import jdk.internal.org.objectweb.asm.Opcodes;

/**
 * Weaves {@link Stop#check} into snippets, at the start of methods and before each jump back. Only for
 * Java before 20, whose LocalExecutionControl does not do it; later ones lack the library used here.
 */
final class Weaver implements UnaryOperator<byte[]> {
    @Override
    public byte[] apply(byte[] classFile) {
        ClassWriter writer = new ClassWriter(0);
        new ClassReader(classFile).accept(new ClassVisitor(Opcodes.ASM8, writer) {
            @Override
            public MethodVisitor visitMethod(int access, String name, String descriptor, String signature, String[] exceptions) {
                return new Loops(super.visitMethod(access, name, descriptor, signature, exceptions));
            }
        }, 0);
        return writer.toByteArray();
    }

    private static final class Loops extends MethodVisitor {
        private final Set<Label> passed = new HashSet<>();

        Loops(MethodVisitor next) {
            super(Opcodes.ASM8, next);
        }

        private void check() {
            super.visitMethodInsn(Opcodes.INVOKESTATIC, "parley/bridge/Stop", "check", "()V", false);
        }

        @Override
        public void visitCode() {
            super.visitCode();
            check();
        }

        @Override
        public void visitLabel(Label label) {
            passed.add(label);
            super.visitLabel(label);
        }

        @Override
        public void visitJumpInsn(int opcode, Label label) {
            if (passed.contains(label)) {
                check();
            }
            super.visitJumpInsn(opcode, label);
        }
    }
}
